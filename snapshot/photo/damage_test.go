package photo

import (
	"bytes"
	"errors"
	"image"
	"image/color/palette"
	"image/gif"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"shoebox/snapshot/photo/phototest"
)

func examine(t testing.TB, name string, data []byte) Damage {
	t.Helper()
	d, err := Examine(name, bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return d
}

// soundFiles are of every kind that is examined, small enough to be cut at every byte.
func soundFiles(t testing.TB) map[string][]byte {
	t.Helper()
	rng := phototest.Rand(7)
	picture := phototest.Picture{Width: 32, Height: 24, Bytes: 700, Tags: tagged}
	var moving bytes.Buffer
	frame := image.NewPaletted(image.Rect(0, 0, 40, 30), palette.Plan9)
	for i := range frame.Pix {
		frame.Pix[i] = byte(i * 7)
	}
	if err := gif.EncodeAll(&moving, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{10, 10}}); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"a.jpg": phototest.JPEG(rng, picture), "a.png": phototest.PNG(rng, picture), "a.webp": phototest.WebP(rng, picture), "a.gif": moving.Bytes(),
		"a.heic": phototest.HEIC(rng, picture, false), "b.heic": phototest.HEIC(rng, picture, true), "a.dng": phototest.DNG(rng, picture),
		"a.mp4": phototest.MP4(rng, phototest.Video{Bytes: 900}), "b.mov": phototest.MP4(rng, phototest.Video{Bytes: 900, MoovFirst: true}),
		"motion.jpg": phototest.MotionPhoto(rng, picture, phototest.Video{Bytes: 900}),
	}
}

// cutMisses are the places of a cut that may go unseen: at most so many of a file. Where moov, or meta, comes first, what is left of a file cut in
// the header behind it looks whole; a GIF cut between two blocks may be one without its trailer; a motion photo is whole from the end of its picture on.
var cutMisses = map[string]int{"b.mov": 8, "a.heic": 8, "b.heic": 8, "a.webp": 1, "a.gif": 8, "motion.jpg": 10_000, "a.dng": 1 << 20}

func TestDamageByEveryCut(t *testing.T) {
	cuts := 0
	for name, data := range soundFiles(t) {
		if d := examine(t, name, data); d != Sound {
			t.Errorf("%s is sound and is said to be %s", name, d)
		}
		missed := 0
		for n := openingLength; n < len(data); n++ {
			cuts++
			if examine(t, name, data[:n]) == Sound {
				missed++
			}
		}
		if missed > cutMisses[name] {
			t.Errorf("%s of %d bytes: %d cuts were missed, %d may be", name, len(data), missed, cutMisses[name])
		}
	}
	t.Logf("%d cuts", cuts)
}

func TestDamage(t *testing.T) {
	files := soundFiles(t)
	jpeg, png, mp4, mov, heic, gifs := files["a.jpg"], files["a.png"], files["a.mp4"], files["b.mov"], files["a.heic"], files["a.gif"]
	zeros := make([]byte, 9000)
	box := func(name string, b []byte) []byte {
		return join(be.AppendUint32(nil, uint32(8+len(b))), []byte(name), b)
	}
	still := files["motion.jpg"][:bytes.Index(files["motion.jpg"], []byte("ftypisom"))-4]
	for _, c := range []struct {
		what, name string
		data       []byte
		want       Damage
	}{
		{"no bytes", "DCIM/a.JPG", nil, Empty},
		{"no bytes", "voice.amr", nil, Empty},
		{"a marker file", "DCIM/.nomedia", nil, Sound},
		{"no bytes of nothing known", "notes.txt", nil, Sound},
		{"zeros", "a.jpg", zeros, Blank},
		{"a few zeros", "a.mp4", zeros[:5], Blank},
		{"zeros of nothing known", "a.dat", zeros, Sound},
		{"text", "a.jpg", []byte("this is no picture at all"), Sound},
		{"the end is zeros", "a.jpg", join(jpeg[:len(jpeg)-50], zeros), NoEnd},
		{"padded with zeros", "a.jpg", join(jpeg, zeros), Sound},
		{"a trailer of Samsung", "a.jpg", join(jpeg, []byte("\x00\x00\x01\x0a\x0e\x00\x00\x00Image_UTC_Data1700000000000SEFHk\x00\x00\x00\x01\x00\x00\x00\x18\x00\x00\x00SEFT")), Sound},
		{"a trailer that ends as a picture does", "a.jpg", join(jpeg, []byte("x\xff\xd9")), Sound},
		{"a video behind it", "a.jpg", files["motion.jpg"], Sound},
		{"a picture without end, before its video", "a.jpg", join(still[:len(still)-40], zeros[:40]), NoEnd},
		{"cut in its tags", "a.jpg", jpeg[:100], CutOff},
		{"the start alone", "a.jpg", jpeg[:3], CutOff},
		{"end marker across two windows", "a.jpg", join(jpeg[:len(jpeg)-2], bytes.Repeat([]byte{1}, windowBytes-1-(len(jpeg)-2-scanOf(t, jpeg))), []byte("\xff\xd9more")), Sound},
		{"without IEND", "a.png", png[:len(png)-12], NoEnd},
		{"something behind IEND", "a.png", join(png, zeros), Sound},
		{"zeros from the middle on", "a.png", join(png[:len(png)-12], zeros), NoEnd},
		{"moov in the middle", "a.mp4", join(mp4, box("free", zeros)), Sound},
		{"no moov", "a.mp4", join(box("ftyp", []byte("isom\x00\x00\x02\x00")), box("mdat", zeros)), NoMovie},
		{"no moov, to the end", "a.mp4", join(box("ftyp", []byte("isom\x00\x00\x02\x00")), []byte("\x00\x00\x00\x00mdat"), zeros), NoMovie},
		{"without ftyp", "a.mov", mov[28:], Sound},
		{"mdat first", "a.mov", join(box("mdat", zeros), mov[28:]), Sound},
		{"not a movie by name", "a.bin", join(box("ftyp", []byte("isom\x00\x00\x02\x00")), box("mdat", zeros)), Sound},
		{"JPEG XL", "a.jxl", join(box("ftyp", []byte("jxl \x00\x00\x00\x00")), box("jxlc", zeros)), Sound},
		{"mdat of 64 bits", "a.mp4", join(mov[:len(mov)-908], []byte("\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x03\x94"), mov[len(mov)-900:]), Sound},
		{"mdat of 2^63 - 1", "a.mp4", join(mov[:len(mov)-908], []byte("\x00\x00\x00\x01mdat\x7f\xff\xff\xff\xff\xff\xff\xff"), zeros), CutOff},
		{"zeros behind it", "a.mp4", join(mp4, zeros), Sound},
		{"a maker's trailer", "a.mp4", join(mp4, []byte("\xff\xff\xff\xff{\"camera\": \"of some maker\"}8db42d694ccc418790edff439fe026bf")), Sound},
		{"a trailer of text", "a.mp4", join(mp4, []byte(`{"a":"of some maker"}`)), Sound},
		{"hundreds of boxes before moov", "a.mp4", join(box("ftyp", []byte("isom\x00\x00\x02\x00")), bytes.Repeat(box("free", nil), 300)), Sound},
		{"HEIC cut off", "a.heic", heic[:len(heic)-100], CutOff},
		{"GIF without its trailer", "a.gif", gifs[:len(gifs)-1], Sound},
		{"GIF cut off", "a.gif", gifs[:len(gifs)-30], CutOff},
		{"GIF with something behind it", "a.gif", join(gifs, []byte("more")), Sound},
		{"a drawing", "a.svg", []byte("<svg/>"), Sound},
	} {
		if got := examine(t, c.name, c.data); got != c.want {
			t.Errorf("%s (%s) is said to be %q, want %q", c.what, c.name, got, c.want)
		}
	}
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// scanOf is where the first scan of a JPEG begins.
func scanOf(t *testing.T, data []byte) int {
	t.Helper()
	x := &examination{file: bytes.NewReader(data), size: int64(len(data))}
	at, err := x.startOfScan()
	if err != nil || at <= 0 || string(data[at:at+2]) != "\xff\xda" {
		t.Fatalf("the scan is not at %d: %v", at, err)
	}
	return int(at)
}

// realDamage is what is wrong with the files of others, on purpose. All below goexif with "-sep-" in their names are the first kilobytes of a picture.
var realDamage = map[string]Damage{"corrupt/huge_tag_exif.jpg": CutOff, "corrupt/max_uint32_exif.jpg": CutOff}

// No false alarm is raised over the files of real cameras, and what the standard library finds to be cut off is found without decoding.
func TestRealFiles(t *testing.T) {
	images, _ := realFiles(t)
	var seen, sound, cut int
	err := filepath.WalkDir(images, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(images, file)
		name = filepath.ToSlash(name)
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		seen++
		got := examine(t, name, data)
		var limits Limits
		if !strings.Contains(name, "-sep-") {
			limits.Pixels = 3_000_000 // the race detector makes decoding slow
		}
		decodes := Decodes(bytes.NewReader(data), limits)
		switch {
		case strings.HasPrefix(name, "corrupt"), !strings.Contains(name, "-sep-"):
			sound++
			if got != realDamage[name] || got == Sound && errors.Is(decodes, ErrUndecodable) {
				t.Errorf("%s is said to be %q, want %q; decoding it: %v", name, got, realDamage[name], decodes)
			}
		case (got != Sound) != errors.Is(decodes, ErrUndecodable):
			t.Errorf("%s is said to be %q; decoding it: %v", name, got, decodes)
		default:
			cut++
		}
		return nil
	})
	t.Logf("%d files: %d as they should be, %d the beginning of one", seen, sound, cut)
	if err != nil {
		t.Fatal(err)
	}
	if sound < 60 || cut < 40 {
		t.Error("too few files were seen")
	}
}

func TestDecodes(t *testing.T) {
	files := soundFiles(t)
	jpeg, png := files["a.jpg"], files["a.png"]
	spoiled := bytes.Clone(png)
	spoiled[len(spoiled)-40] ^= 1 // its checksum tells
	for _, c := range []struct {
		what   string
		data   []byte
		limits Limits
		want   error
	}{
		{"JPEG", jpeg, Limits{}, nil},
		{"PNG", png, Limits{}, nil},
		{"motion photo", files["motion.jpg"], Limits{}, nil},
		{"JPEG cut off", jpeg[:len(jpeg)-60], Limits{}, ErrUndecodable},
		{"JPEG cut in its head", jpeg[:200], Limits{}, ErrUndecodable},
		{"PNG with another byte", spoiled, Limits{}, ErrUndecodable},
		{"nothing", nil, Limits{}, ErrUndecodable},
		{"video", files["a.mp4"], Limits{}, ErrNotTried},
		{"too many pixels", jpeg, Limits{Pixels: 32*24 - 1}, ErrNotTried},
		{"just as many", jpeg, Limits{Pixels: 32 * 24}, nil},
		{"too long", jpeg, Limits{Bytes: int64(len(jpeg)) - 10}, ErrNotTried},
	} {
		if err := Decodes(bytes.NewReader(c.data), c.limits); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	broken := errors.New("the disk is gone")
	if err := Decodes(io.MultiReader(bytes.NewReader(jpeg[:300]), iotest.ErrReader(broken)), Limits{}); !errors.Is(err, broken) || errors.Is(err, ErrUndecodable) {
		t.Errorf("a bad disk is taken for a bad picture: %v", err)
	}
}

func TestExamineTellsOfBadReading(t *testing.T) {
	jpeg := soundFiles(t)["a.jpg"]
	if _, err := Examine("a.jpg", bytes.NewReader(jpeg), int64(len(jpeg))+100); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file shorter than was said: %v", err)
	}
}

func TestHostileFilesAreExaminedQuickly(t *testing.T) {
	for name, data := range hostileFiles() {
		for _, as := range []string{"a.jpg", "a.mp4", "a.png", "a.gif", "a.webp", "a"} {
			start := time.Now()
			examine(t, as, data)
			if err := Decodes(bytes.NewReader(data), Limits{}); err == nil {
				t.Errorf("%s decodes", name)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("%s as %s took %v", name, as, took)
			}
		}
	}
}

func FuzzDamage(f *testing.F) {
	for name, data := range soundFiles(f) {
		f.Add(name, data[:min(len(data), 8192)])
	}
	for _, data := range hostileFiles() {
		f.Add("a.mp4", data[:min(len(data), 4096)])
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		d := examine(t, name, data)
		if strings.Contains(d.Text(), "is damaged") || d == Undecodable {
			t.Errorf("it is said to be %q", d)
		}
		if (d == Empty) != (len(data) == 0) && d != Sound {
			t.Errorf("%d bytes are said to be %q", len(data), d)
		}
		_ = Decodes(bytes.NewReader(data), Limits{Pixels: 1 << 16}) // must end, and not panic
	})
}
