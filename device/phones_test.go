package device_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"shoebox/device"
	"shoebox/device/adb"
	"shoebox/device/adb/adbtest"
)

const noPermissions = "no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer.android.com/tools/device.html]"

// Every state has its own error, and each says what to do next.
func TestPhoneStates(t *testing.T) {
	usb := "DIRECT01               device usb:1-1 product:p model:Pixel_8 device:d transport_id:1\n"
	tests := []struct {
		name, devices, choice string
		state                 error
		says                  string
	}{
		{"one", usb, "", nil, ""},
		{"none", "\n", "", device.ErrNoPhone, "USB debugging"},
		{"unauthorized", "R58M unauthorized usb:1-1 transport_id:1\n", "", device.ErrUnauthorized, "tap Allow"},
		{"offline", "R58M offline usb:1-1 transport_id:1\n", "", device.ErrOffline, "Pull the cable"},
		{"no permissions", "R58M " + noPermissions + " usb:1-1 transport_id:1\n", "", device.ErrNoPermissions, "apt install"},
		{"recovery", "R58M recovery usb:1-1 transport_id:1\n", "", device.ErrNotReady, "home screen"},
		{"bootloader", "R58M bootloader\n", "", device.ErrNotReady, "home screen"},
		{"two", usb + "OTHER2 device usb:1-2 model:Galaxy transport_id:2\n", "", device.ErrSeveralPhones, "-s"},
		{"two, one chosen", usb + "OTHER2 device usb:1-2 model:Galaxy transport_id:2\n", "DIRECT01", nil, ""},
		{"two, wrong choice", usb + "OTHER2 device usb:1-2 model:Galaxy transport_id:2\n", "NOSUCH", device.ErrNoPhone, "OTHER2"},
		{"two, unauthorized chosen", usb + "OTHER2 unauthorized usb:1-2 transport_id:2\n", "OTHER2", device.ErrUnauthorized, "Allow"},
		{"one and a dead address", usb + "192.168.1.9:5555 offline transport_id:2\n", "", nil, ""},
		{"same serial", "DIRECT01 device usb:1-1 model:a transport_id:1\nDIRECT01 device usb:1-2 model:b transport_id:2\n", "DIRECT01", device.ErrSeveralPhones, "transport_id:2"},
		{"same serial, one chosen", "DIRECT01 device usb:1-1 model:a transport_id:1\nDIRECT01 device usb:1-2 model:b transport_id:2\n", "transport_id:1", nil, ""},
		{"cable and Wi-Fi", usb + "192.168.1.9:5555 device model:Pixel_8 transport_id:2\n", "", nil, ""},
		{"cable and Wi-Fi, chosen by address", usb + "192.168.1.9:5555 device model:Pixel_8 transport_id:2\n", "192.168.1.9:5555", nil, ""},
		{"chosen by what it calls itself", "192.168.1.9:5555 device model:Pixel_8 transport_id:2\n", "SIM0001", nil, ""},
		{"serial with a space", "adb-R58M (2)._adb-tls-connect._tcp device model:Pixel_8 transport_id:2\n", "", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := adbtest.NewMemTree()
			m.AddSize("DCIM/a.jpg", 1)
			x, s := directPhone(t, adbtest.Config{Storage: m})
			x.Devices(tt.devices)
			if strings.Contains(tt.devices, "OTHER2") {
				x.Script("host-transport-id:2:features", "FAIL0001x") // another phone: it must not be taken for the first
			}
			p, err := device.OpenPhone(t.Context(), s, device.PhoneOptions{Serial: tt.choice})
			if err == nil {
				defer p.Close()
			}
			phone := (*device.PhoneError)(nil)
			switch {
			case tt.state == nil && err != nil:
				t.Error(err)
			case tt.state != nil && (!errors.Is(err, tt.state) || !errors.As(err, &phone) || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("got %v", err)
			}
		})
	}
}

// The same phone over USB and Wi-Fi is one, on the cable; an alias's identity
// stays the same.
func TestOnePhoneTwoWays(t *testing.T) {
	x, s := directPhone(t, adbtest.Config{Serial: "R58M123"})
	x.Devices("192.168.1.9:5555 device model:Pixel_8 transport_id:2\nR58M123 device usb:1-1 product:p model:Pixel_8 device:d transport_id:1\n")
	phones, err := device.Phones(t.Context(), s)
	if err != nil || len(phones) != 1 {
		t.Fatal(phones, err)
	}
	p := phones[0]
	if p.Identity != "R58M123" || p.Serial != "R58M123" || !p.USB || p.Model != "Pixel 8" || !slices.Equal(p.Others, []string{"192.168.1.9:5555"}) {
		t.Errorf("%+v", p)
	}
}

// Two phones that were made with one serial are two, also when neither is on a cable: nothing is done before it is said which.
func TestTwinsOnTheNetwork(t *testing.T) {
	m := adbtest.NewMemTree()
	m.AddSize("DCIM/a.jpg", 1)
	x, s := directPhone(t, adbtest.Config{Serial: "R58M123", Storage: m})
	for name, c := range map[string]struct {
		settings string
		phones   int
	}{
		"another phone":       {"echo 0123456789abcdef", 2},
		"the same phone":      {"echo f00dR58M123", 1},
		"a phone that is mum": {"exit 1", 1},
	} {
		twin := adbtest.New(adbtest.Config{Serial: "R58M123", Storage: m, Programs: map[string]string{"settings": c.settings}})
		t.Cleanup(func() { _ = twin.Close() })
		x.Also(2, twin)
		for _, first := range []string{"192.168.1.8:5555 device model:Pixel_8 transport_id:1\n", "R58M123 device usb:1-1 model:Pixel_8 transport_id:1\n"} {
			x.Devices(first + "192.168.1.9:5555 device model:Pixel_8 transport_id:2\n")
			if phones, err := device.Phones(t.Context(), s); err != nil || len(phones) != c.phones {
				t.Errorf("%s beside %q: %+v, %v", name, first, phones, err)
			}
			for _, choice := range []string{"", "R58M123"} {
				p, err := device.OpenPhone(t.Context(), s, device.PhoneOptions{Serial: choice})
				if err == nil {
					_ = p.Close()
				}
				if several := errors.Is(err, device.ErrSeveralPhones); several != (c.phones == 2) {
					t.Errorf("%s beside %q, %q chosen: %v", name, first, choice, err)
				}
			}
		}
	}
}

// Serials that makers did not set do not make two phones one.
func TestSharedSerial(t *testing.T) {
	_, s := directPhone(t, adbtest.Config{Serial: "0123456789ABCDEF"})
	phones, err := device.Phones(t.Context(), s)
	if err != nil || len(phones) != 1 || phones[0].Identity != "0123456789ABCDEF-f00d0123456789ABCDEF" {
		t.Error(phones, err)
	}
}

func TestNoServerNoADB(t *testing.T) {
	addr, err := adbtest.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	_, err = device.OpenPhone(t.Context(), &adb.Server{Addr: addr}, device.PhoneOptions{})
	if !errors.Is(err, device.ErrNoADB) || !strings.Contains(err.Error(), "apt install adb") {
		t.Error(err)
	}
}

// With the real server: unauthorized until the tap, and what it then says.
func TestUnauthorizedForReal(t *testing.T) {
	m := adbtest.NewMemTree()
	m.AddSize("DCIM/a.jpg", 10)
	p, s, server := realPhone(t, adbtest.Config{Unauthorized: true, Storage: m})
	if _, err := device.OpenPhone(t.Context(), s, device.PhoneOptions{}); !errors.Is(err, device.ErrUnauthorized) {
		t.Fatal(err)
	}
	p.Authorize()
	if _, err := server.Connect(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	phone := openPhone(t, s, device.PhoneOptions{})
	if files, _, err := list(t.Context(), phone); err != nil || len(files) != 1 {
		t.Error(files, err)
	}
}

// What is listed by default, and what is passed over.
func TestDefaultFolders(t *testing.T) {
	taken := []string{
		"Android/media/com.whatsapp/WhatsApp/Media/WhatsApp Images/IMG-20240101-WA0001.jpg",
		"Android/media/com.whatsapp/WhatsApp/Media/WhatsApp Images/Sent/s.jpg",
		"Android/media/com.whatsapp/WhatsApp/Media/WhatsApp Video/v.mp4",
		"DCIM/.hidden.jpg", "DCIM/100ANDRO/a.jpg", "DCIM/Camera/PXL_1.MP.jpg", "DCIM/Camera/PXL_1.dng", "DCIM/Camera/empty.jpg",
		"DCIM/Camera/notes.txt", "DCIM/Thumbs/t.jpg", "Download/a.JPG", "Download/deep/er/b.heic", "Movies/m.mkv",
		"Pictures/Screenshots/s.png", "Pictures/thumbnails/kept.jpg",
		"storage/1234-ABCD/DCIM/card.jpg", "storage/1234-ABCD/Download/card.mp4",
	}
	left := []string{
		"Android/data/com.x/cache/a.jpg", "Android/obb/a.jpg", "Android/media/com.whatsapp/WhatsApp/Databases/msgstore.db",
		"DCIM/.thumbnails/1.jpg", "DCIM/.thumbdata4--1967290299", "DCIM/Camera/.trashed-1700000000-a.jpg", "DCIM/Camera/.pending-1700000000-b.jpg",
		"Download/a.pdf", "Download/noext", "Music/a.jpg", "a.jpg", "Pictures/.thumbnails/x/y.jpg", "Podcasts/p.mp4",
		"Pictures/Thumbs/t.jpg", "Pictures/Thumbs/.nomedia", "storage/1234-ABCD/LOST.DIR/x.jpg", "storage/1234-ABCD/Music/x.jpg",
	}
	m, card := adbtest.NewMemTree(), adbtest.NewMemTree()
	for _, p := range append(slices.Clone(taken), left...) {
		tree := m
		rest, isCard := strings.CutPrefix(p, "storage/1234-ABCD/")
		if isCard {
			tree = card
		}
		tree.AddSize(rest, 10)
	}
	m.AddSize("DCIM/Camera/empty.jpg", 0)
	for _, features := range [][]string{adbtest.FeaturesA, adbtest.FeaturesC} {
		_, s := directPhone(t, adbtest.Config{Storage: m, Features: features, Cards: map[string]adbtest.Tree{"1234-ABCD": card}})
		files, problems, err := list(t.Context(), openPhone(t, s, device.PhoneOptions{}))
		slices.Sort(taken)
		if err != nil || len(problems) > 0 || !slices.Equal(paths(files), taken) {
			t.Errorf("%v %v\n got %q\nwant %q", err, problems, paths(files), taken)
		}
	}
}

// Roots that the user names, in the ways people write them, and what is left out.
func TestNamedRoots(t *testing.T) {
	m, card := adbtest.NewMemTree(), adbtest.NewMemTree()
	for _, p := range []string{"DCIM/Camera/a.jpg", "DCIM/Camera/.thumbnails/t.jpg", "DCIM/Camera/x.txt", "DCIM/Other/b.jpg", "Music/m.mp3", "top.jpg"} {
		m.AddSize(p, 10)
	}
	card.AddSize("DCIM/c.jpg", 10)
	_, s := directPhone(t, adbtest.Config{Storage: m, Cards: map[string]adbtest.Tree{"1234-ABCD": card}})
	tests := []struct {
		roots, exclude, want []string
		problem              string
	}{
		{roots: []string{"DCIM/Camera"}, want: []string{"DCIM/Camera/a.jpg", "DCIM/Camera/x.txt"}},
		{roots: []string{"/sdcard/DCIM/Camera/"}, want: []string{"DCIM/Camera/a.jpg", "DCIM/Camera/x.txt"}},
		{roots: []string{"/storage/emulated/0/dcim/camera"}, want: []string{"DCIM/Camera/a.jpg", "DCIM/Camera/x.txt"}},
		{roots: []string{"DCIM/Camera/a.jpg"}, want: []string{"DCIM/Camera/a.jpg"}},
		{roots: []string{"DCIM/Camera/.thumbnails"}, want: []string{"DCIM/Camera/.thumbnails/t.jpg"}},
		{roots: []string{"DCIM", "Music"}, exclude: []string{"*.txt"}, want: []string{"DCIM/Camera/a.jpg", "DCIM/Other/b.jpg", "Music/m.mp3"}},
		{roots: []string{"DCIM"}, exclude: []string{"DCIM/Camera"}, want: []string{"DCIM/Other/b.jpg"}},
		{roots: []string{"DCIM"}, exclude: []string{"**/Cam*/a.*"}, want: []string{"DCIM/Camera/x.txt", "DCIM/Other/b.jpg"}},
		{roots: []string{"/storage/1234-ABCD"}, want: []string{"storage/1234-ABCD/DCIM/c.jpg"}},
		{roots: []string{"DCIM/Missing", "DCIM/Other"}, want: []string{"DCIM/Other/b.jpg"}, problem: "DCIM/Missing"},
		{roots: []string{"/sdcard"}, exclude: []string{"DCIM", "Music"}, want: []string{"top.jpg"}},
	}
	for _, tt := range tests {
		p := openPhone(t, s, device.PhoneOptions{Roots: tt.roots, Exclude: tt.exclude})
		files, problems, err := list(t.Context(), p)
		if err != nil || !slices.Equal(paths(files), tt.want) {
			t.Errorf("%q without %q: %v\n got %q\nwant %q", tt.roots, tt.exclude, err, paths(files), tt.want)
		}
		if _, ok := problems[tt.problem]; ok != (tt.problem != "") || len(problems) > 1 {
			t.Errorf("%q: problems %v", tt.roots, problems)
		}
	}
	if _, err := device.OpenPhone(t.Context(), s, device.PhoneOptions{Exclude: []string{"[a"}}); err == nil {
		t.Error("a bad pattern passed")
	}
}

// Files above 4 GiB have their true size on every generation of phones, with
// odd names.
func TestLargeFilesListed(t *testing.T) {
	dir := t.TempDir()
	name := "it's a\n\"large\" one.mp4"
	write(t, dir+"/DCIM/"+name, "")
	write(t, dir+"/DCIM/small.mp4", "small")
	truncate(t, dir+"/DCIM/"+name, 5<<30+1)
	for i, features := range [][]string{adbtest.FeaturesA, adbtest.FeaturesB, adbtest.FeaturesC} {
		_, s := directPhone(t, adbtest.Config{Storage: adbtest.DirTree(dir), Features: features})
		files, problems, err := list(t.Context(), openPhone(t, s, device.PhoneOptions{}))
		if err != nil || len(problems) > 0 || len(files) != 2 {
			t.Fatal(files, problems, err)
		}
		if files[0].Size != 5<<30+1 || files[1].Size != 5 {
			t.Errorf("generation %d: %d, %d", i, files[0].Size, files[1].Size)
		}
	}
}

// Nothing is asked or read twice.
func TestNothingReadTwice(t *testing.T) {
	m := adbtest.Screenshots(300)
	p, s, _ := realPhone(t, adbtest.Config{Storage: m})
	phone := openPhone(t, s, device.PhoneOptions{Connections: 4})
	files, _, err := list(t.Context(), phone)
	if err != nil || len(files) != 300 {
		t.Fatal(len(files), err)
	}
	var total int64
	readAll(t.Context(), phone, files, func(f device.File, data []byte, err error) {
		if err != nil {
			t.Error(err)
		}
		total += int64(len(data))
	})
	if p.Bytes() != total || len(p.Pulls()) != 300 || p.Asked("RECV") != 300 || p.Asked("OPEN sync:") > 5 {
		t.Errorf("%d bytes for %d, %d pulls of %d, %d sessions", p.Bytes(), total, p.Asked("RECV"), len(p.Pulls()), p.Asked("OPEN sync:"))
	}
}

// Streams given up early do not disturb the others.
func TestCloseEarly(t *testing.T) {
	m := adbtest.NewMemTree()
	for i := range 100 {
		m.AddSize(fmt.Sprintf("DCIM/%03d.jpg", i), int64(i)*3000)
	}
	_, s := directPhone(t, adbtest.Config{Storage: m})
	p := openPhone(t, s, device.PhoneOptions{Connections: 3})
	files, _, _ := list(t.Context(), p)
	for at := 0; at < len(files); at += 20 {
		var opened []streamOf
		for _, f := range files[at : at+20] {
			r, err := p.Open(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			opened = append(opened, streamOf{f, r})
		}
		for i, o := range opened {
			if i%3 == 0 {
				_, _ = o.r.Read(make([]byte, 100))
			}
			if i%3 == 1 {
				checkContent(t, o)
			}
			if err := o.r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
