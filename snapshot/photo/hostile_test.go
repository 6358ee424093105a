package photo

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"shoebox/snapshot/photo/phototest"
)

// Each of these could cost a careless reader its memory or its evening.
func hostileFiles() map[string][]byte {
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	entry := func(tag, kind uint16, count, value uint32) []byte {
		return u32(u32(u16(u16(nil, tag), kind), count), value)
	}
	tiff := func(entries ...[]byte) []byte {
		b := u16([]byte("II*\x00\x08\x00\x00\x00"), uint16(len(entries)))
		return append(append(b, slices.Concat(entries...)...), 0, 0, 0, 0)
	}
	ones := bytes.Repeat([]byte{0xff}, 1<<20)
	wide := u16([]byte("II*\x00\x08\x00\x00\x00"), 0xffff)
	for range 0xffff {
		wide = append(wide, entry(0x8769, 4, 1, 8)...)
	}
	// 250 directories at one place, each of 65,535 fields too long to be read.
	nested := append(tiff(entry(0x014a, 4, 250, 26)), bytes.Repeat(u32(nil, 2000), 250)...)
	nested = u16(append(nested, make([]byte, 2000-len(nested))...), 0xffff)
	nested = append(nested, bytes.Repeat(entry(0x9003, 2, 1<<31, 0), 0xffff)...)
	ftyp := []byte("\x00\x00\x00\x10ftypheic\x00\x00\x00\x00")
	box := func(name string, b []byte) []byte {
		return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(8+len(b))), []byte(name), b)
	}
	iloc := func(sizes string) []byte {
		items := box("iinf", append([]byte{0, 0, 0, 0, 0, 1}, box("infe", []byte("\x02\x00\x00\x00\x00\x01\x00\x00Exif"))...))
		places := box("iloc", append([]byte("\x02\x00\x00\x00"+sizes+"\xff\xff\xff\xff"), make([]byte, 900_000)...))
		return slices.Concat(ftyp, box("meta", slices.Concat([]byte{0, 0, 0, 0}, items, places)))
	}
	files := map[string][]byte{
		"directory within itself":  tiff(entry(0x8769, 4, 1, 8)),
		"65,535 within themselves": wide,
		"directories of the same":  nested,
		"text of 4 GiB":            tiff(entry(0x9003, 2, 0xffffffff, 0xffffffff)),
		"text behind the end":      tiff(entry(0x9003, 2, 20, 0xfffffff0)),
		"unknown type":             tiff(entry(0x9003, 99, 20, 8)),
		"first directory at 2^32":  []byte("II*\x00\xff\xff\xff\xff\x00\x00\x00\x00"),
		"moov of 2^63 - 1":         slices.Concat(ftyp, []byte("\x00\x00\x00\x01moov\x7f\xff\xff\xff\xff\xff\xff\xff"), ones),
		"moov of 8 MiB":            slices.Concat(ftyp, box("moov", bytes.Repeat(box("trak", box("tkhd", nil)), 1<<19))),
		"meta of 2^32 - 1":         slices.Concat(ftyp, []byte("\xff\xff\xff\xffmeta"), ones),
		"items of no length":       iloc("\x00\x00"),
		"items of 15 bytes":        iloc("\xff\xff"),
		"properties without end":   slices.Concat(ftyp, box("meta", slices.Concat([]byte{0, 0, 0, 0}, box("iprp", box("ipma", append([]byte("\x00\x00\x00\x00\xff\xff\xff\xff"), ones...)))))),
		"boxes of 8 bytes":         append(ftyp, bytes.Repeat([]byte("\x00\x00\x00\x08free"), 1<<19)...),
		"segments of 2 bytes":      append([]byte("\xff\xd8"), bytes.Repeat([]byte("\xff\xe0\x00\x02"), 1<<18)...),
		"only 0xff":                append([]byte("\xff\xd8"), ones...),
		"PNG chunk of 2^31 - 1":    append([]byte(pngSignature+"\x7f\xff\xff\xffeXIf"), ones...),
		"WebP chunk of 2^32 - 1":   append([]byte("RIFF\xff\xff\xff\xffWEBPEXIF\xff\xff\xff\xff"), ones...),
	}
	for name, b := range files {
		if strings.HasPrefix(string(b), "II*") && len(b) < 60_000 {
			segment := binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xe1"), uint16(8+len(b)))
			files[name+", in a JPEG"] = slices.Concat(segment, []byte(exifPrefix), b, []byte("\xff\xda"))
		}
	}
	return files
}

func TestHostileFilesCostLittle(t *testing.T) {
	for name, data := range hostileFiles() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		var s Sniffer
		s.Write(data)
		s.Info("a.jpg", modTime)
		took := time.Since(start)
		for i, k := range s.kept {
			if int64(len(k.data)) > keptMost[i] {
				t.Errorf("%s: payload %d keeps %d bytes", name, i, len(k.data))
			}
		}
		if s.sections > sectionsMost+1 {
			t.Errorf("%s: %d sections were walked", name, s.sections)
		}
		runtime.ReadMemStats(&after)
		// A good second for what takes milliseconds: the bound is on the kind
		// of time, not on the machine.
		if took > 2*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
			t.Errorf("%s took %d bytes of memory", name, n)
		}
	}
}

// Items that do not lie in one stretch of the file are nothing to be kept.
func TestItemPlace(t *testing.T) {
	for name, c := range map[string]struct {
		iloc    string
		from, n int64
	}{
		"plain":             {"\x00\x00\x00\x00\x44\x00\x00\x01\x00\x02\x00\x00\x00\x01\x00\x00\x00\x64\x00\x00\x00\x09", 100, 9},
		"with a base":       {"\x00\x00\x00\x00\x44\x40\x00\x01\x00\x02\x00\x00\x00\x00\x00\x05\x00\x01\x00\x00\x00\x64\x00\x00\x00\x09", 105, 9},
		"version 2, second": {"\x02\x00\x00\x00\x44\x00\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x00\x00\x02" + strings.Repeat("\x00\x00\x00\x01", 4) + "\x00\x00\x00\x02\x00\x00\x00\x00\x00\x01\x00\x00\x00\x64\x00\x00\x00\x09", 100, 9},
		"two stretches":     {"\x00\x00\x00\x00\x44\x00\x00\x01\x00\x02\x00\x00\x00\x02" + strings.Repeat("\x00\x00\x00\x64\x00\x00\x00\x09", 2), 0, 0},
		"in idat":           {"\x01\x00\x00\x00\x44\x00\x00\x01\x00\x02\x00\x01\x00\x00\x00\x01\x00\x00\x00\x64\x00\x00\x00\x09", 0, 0},
		"in another file":   {"\x00\x00\x00\x00\x44\x00\x00\x01\x00\x02\x00\x01\x00\x01\x00\x00\x00\x64\x00\x00\x00\x09", 0, 0},
		"another item":      {"\x00\x00\x00\x00\x44\x00\x00\x01\x00\x03\x00\x00\x00\x01\x00\x00\x00\x64\x00\x00\x00\x09", 0, 0},
		"cut short":         {"\x00\x00\x00\x00\x44\x00\x00\x01\x00\x02\x00\x00\x00\x01\x00\x00\x00\x64\x00", 0, 0},
		"offset of 2^63":    {"\x00\x00\x00\x00\x84\x00\x00\x01\x00\x02\x00\x00\x00\x01\x80\x00\x00\x00\x00\x00\x00\x64\x00\x00\x00\x09", 0, 0},
	} {
		if from, n := itemPlace([]byte(c.iloc), 2); from != c.from || n != c.n {
			t.Errorf("%s: %d bytes at %d, not %d at %d", name, n, from, c.n, c.from)
		}
	}
}

func TestDamagedRealFilesAreSurvived(t *testing.T) {
	images, _ := realFiles(t)
	files, err := filepath.Glob(filepath.Join(images, "corrupt", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := sniff(t, data, file); got.Type != "image/jpeg" {
			t.Errorf("%s: %+v", file, got)
		}
	}
}

func FuzzInfo(f *testing.F) {
	picture := phototest.Picture{Width: 16, Height: 8, Bytes: 100, Tags: tagged}
	picture.Tags.MakerNote = 10
	for _, data := range [][]byte{
		phototest.JPEG(phototest.Rand(1), picture),
		phototest.PNG(phototest.Rand(1), picture),
		phototest.WebP(phototest.Rand(1), picture),
		phototest.HEIC(phototest.Rand(1), picture, true),
		phototest.DNG(phototest.Rand(1), picture),
		phototest.MP4(phototest.Rand(1), phototest.Video{Bytes: 50, Taken: wall}),
	} {
		f.Add(data)
	}
	for _, data := range hostileFiles() {
		f.Add(data[:min(len(data), 4096)])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkInfo(t, sniff(t, data, "a.bin"))
	})
}

// checkInfo holds for any file.
func checkInfo(t *testing.T, got Info) {
	if got.Orientation > 8 || len(got.Camera) > cameraMost || got.Camera != strings.ToValidUTF8(got.Camera, "") {
		t.Errorf("got %+v", got)
	}
	if y := got.Taken.Year(); got.Source == Unknown || y < firstPhoto-1 || y > lastYear+1 {
		t.Errorf("taken %v, by %v", got.Taken, got.Source)
	}
}

func BenchmarkInfo(b *testing.B) {
	picture := phototest.Picture{Bytes: 4 << 20, Tags: tagged}
	for _, bench := range []struct {
		name string
		data []byte
	}{
		{"IMG_20240501_120000.jpg", phototest.JPEG(phototest.Rand(1), picture)},
		{"IMG_20240501_120000.heic", phototest.HEIC(phototest.Rand(1), picture, false)},
		{"IMG_20240501_120000.dng", phototest.DNG(phototest.Rand(1), picture)},
		{"Screenshot_20240501-120000.png", phototest.PNG(phototest.Rand(1), phototest.Picture{})},
		{"VID_20240501_120000.mp4", phototest.MP4(phototest.Rand(1), phototest.Video{Taken: wall})},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			var s Sniffer
			for b.Loop() {
				s.Reset()
				for data := bench.data; len(data) > 0; {
					n := min(len(data), 256<<10)
					s.Write(data[:n])
					data = data[n:]
				}
				s.Info(bench.name, modTime)
			}
		})
	}
}
