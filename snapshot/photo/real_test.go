package photo

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// realFiles are the pictures of cameras that come with imagemeta, and beside
// each what ExifTool says of it. They are there wherever that module was
// downloaded whole; a vendored tree has none.
func realFiles(t testing.TB) (images, answers string) {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/bep/imagemeta").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dir := strings.TrimSpace(string(out))
	return filepath.Join(dir, "testdata", "images"), filepath.Join(dir, "gen", "testdata_exiftool", "images")
}

// differs are files of which the answers are not comparable.
var differs = map[string]string{
	"bep/jølstravatnet.pef": "a border of the sensor, told by its maker's notes alone, is not subtracted",
	"sony.heif":             "its brand heix says HEVC, ExifTool goes by the extension",
}

// exifTool is what it says of one file, by groups.
type exifTool struct {
	File struct{ MIMEType string }
	EXIF map[string]any
}

func (e exifTool) text(tag string) string {
	s, _ := e.EXIF[tag].(string)
	return s
}

func TestRealFilesAsExifToolReadsThem(t *testing.T) {
	images, answers := realFiles(t)
	var seen, dated, offsets, turned, sized int
	err := filepath.WalkDir(answers, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(file, ".config.json") {
			return err
		}
		name, _ := filepath.Rel(answers, strings.TrimSuffix(file, ".json"))
		data, err := os.ReadFile(filepath.Join(images, name))
		if err != nil {
			return err
		}
		want := readAnswer(t, file)
		var s Sniffer
		s.Write(data)
		got := s.Info(filepath.Base(name), time.Time{})
		seen++
		if why := differs[filepath.ToSlash(name)]; why != "" {
			t.Logf("%s is left out: %s", name, why)
			return nil
		}
		if want.File.MIMEType != "" && got.Type != want.File.MIMEType {
			t.Errorf("%s: type %s, ExifTool %s", name, got.Type, want.File.MIMEType)
		}
		if strings.HasPrefix(name, "corrupt") {
			return nil
		}
		if taken, ok := exifDate(want.text("DateTimeOriginal")); ok {
			dated++
			if got.Source != Exif && got.Source != ExifOffset || got.Taken.Format(time.DateTime) != taken.Format(time.DateTime) {
				t.Errorf("%s: taken %v (%v), ExifTool %v", name, got.Taken, got.Source, taken)
			}
			if offset := want.text("OffsetTimeOriginal"); offset != "" {
				offsets++
				if got.Taken.Format("-07:00") != offset {
					t.Errorf("%s: taken %v, ExifTool %v", name, got.Taken, offset)
				}
			}
		}
		if o, ok := want.EXIF["Orientation"].(float64); ok && o <= 8 {
			turned++
			if got.Orientation != uint8(o) {
				t.Errorf("%s: orientation %d, ExifTool %v", name, got.Orientation, o)
			}
		}
		if w, h, ok := readSize(filepath.Join(answers, name)); ok {
			sized++
			if got.Type == "image/heic" && got.Orientation >= 5 {
				w, h = h, w // the answer is after turning
			}
			if got.Width != w || got.Height != h {
				t.Errorf("%s: %dx%d, ExifTool %dx%d", name, got.Width, got.Height, w, h)
			}
		}
		if model := want.text("Model"); !strings.Contains(got.Camera, strings.TrimSpace(model)) {
			t.Errorf("%s: camera %q, ExifTool %q", name, got.Camera, model)
		}
		return nil
	})
	t.Logf("%d files: %d dated, %d with an offset, %d turned, %d sized", seen, dated, offsets, turned, sized)
	if err != nil {
		t.Fatal(err)
	}
	if dated < 40 || offsets < 5 || turned < 30 || sized < 60 {
		t.Error("too few files were compared")
	}
}

func readAnswer(t *testing.T, file string) exifTool {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var answers []exifTool
	if err := json.Unmarshal(b, &answers); err != nil || len(answers) != 1 {
		t.Fatalf("%s: %d answers, %v", file, len(answers), err)
	}
	return answers[0]
}

func readSize(file string) (width, height uint32, ok bool) {
	b, err := os.ReadFile(file + ".config.json")
	if err != nil {
		return 0, 0, false
	}
	var size struct{ Width, Height uint32 }
	err = json.Unmarshal(b, &size)
	return size.Width, size.Height, err == nil
}
