package photo

import (
	"strings"
	"testing"
	"time"
)

func TestFromName(t *testing.T) {
	at := time.Date(2024, 5, 1, 12, 34, 56, 0, time.UTC)
	millis := at.Add(789 * time.Millisecond)
	for name, want := range map[string]time.Time{
		"PXL_20240501_123456789.jpg":                            millis,
		"PXL_20240501_123456789.MP.jpg":                         millis,
		"PXL_20240501_123456789.PORTRAIT-01.COVER.jpg":          millis,
		"PXL_20240501_123456789.RAW-02.ORIGINAL.dng":            millis,
		"20240501_123456.jpg":                                   at,
		"20240501_123456(0).jpg":                                at,
		"20240501_123456_001.jpg":                               at,
		"IMG_20240501_123456.jpg":                               at,
		"IMG_20240501_123456_HDR.jpg":                           at,
		"IMG_20240501_123456789.jpg":                            millis,
		"IMG_20240501_123456_1.jpg":                             at,
		"IMG20240501123456.jpg":                                 at,
		"MVIMG_20240501_123456.jpg":                             at,
		"PANO_20240501_123456.jpg":                              at,
		"VID_20240501_123456.mp4":                               at,
		"VID20240501123456.mp4":                                 at,
		"00100lPORTRAIT_00100_BURST20240501123456789_COVER.jpg": millis,
		"Screenshot_20240501-123456.png":                        at,
		"Screenshot_20240501-123456_Chrome.jpg":                 at,
		"Screenshot_20240501_123456_com.android.chrome.jpg":     at,
		"Screenshot_2024-05-01-12-34-56-789_com.miui.home.png":  millis,
		"Screenshot_2024-05-01-12-34-56.png":                    at,
		"screen-20240501-123456.mp4":                            at,
		"signal-2024-05-01-12-34-56-789.jpg":                    millis,
		"signal-2024-05-01-12-34-56-789-1.jpg":                  millis,
		"signal-2024-05-01-123456.jpeg":                         at,
		"signal-2024-05-01-123456_002.jpeg":                     at,
		"photo_2024-05-01_12-34-56.jpg":                         at,
		"WhatsApp Image 2024-05-01 at 12.34.56.jpeg":            at,
		"IMG-20240501-WA0001.jpg":                               time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC),
		"VID-20240501-WA0123.mp4":                               time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC),
		"DCIM/Camera/20240501_123456.jpg":                       at,
		"1999-12-31 23-59-59/20240501_123456.jpg":               at,
		"IMG_19991231_235959.jpg":                               time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC),
		"IMG_20240229_000000.jpg":                               time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
		"20240501_123456" + strings.Repeat("x", 1<<20):          at,
	} {
		got, zoned, ok := FromName(name)
		if !ok || !got.Equal(want) || zoned != strings.Contains(name, "PXL") {
			t.Errorf("%.60s: got %v, zoned %v, %v", name, got, zoned, ok)
		}
	}
}

func TestNamesThatTellNothing(t *testing.T) {
	for _, name := range []string{
		"", "/", "IMG_0001.jpg", "DSC01234.JPG", "photo.jpg", "IMG_20241301_123456.jpg", "IMG_20240230_123456.jpg",
		"IMG_20240501_243456.jpg", "IMG_20240501_126056.jpg", "IMG_20240501_123460.jpg", "IMG_00000000_000000.jpg",
		"IMG_19891231_235959.jpg", "IMG_22000101_000000.jpg", "120240501_123456.jpg", "20240501_1234567.jpg", "IMG_20240501_12345.jpg",
		"IMG-20241501-WA0001.jpg", "received_1234567890123456.jpeg", "3f786850e387550fdab836ed7e6dc881de23001b.jpg",
		"20240501_123456/photo.jpg", strings.Repeat("x", 300) + "20240501_123456.jpg", "\xff\xfe\x00", "２０２４0501_123456.jpg",
	} {
		if got, zoned, ok := FromName(name); ok || zoned || !got.IsZero() {
			t.Errorf("%.60q: got %v, zoned %v, %v", name, got, zoned, ok)
		}
	}
}

func FuzzFromName(f *testing.F) {
	f.Add("PXL_20240501_123456789.jpg")
	f.Add("IMG-20240501-WA0001.jpg")
	f.Add("signal-2024-05-01-12-34-56-789.jpg")
	f.Fuzz(func(t *testing.T, name string) {
		got, zoned, ok := FromName(name)
		if !ok && (zoned || !got.IsZero()) || ok && (got.Year() < firstFile || got.Year() > lastYear) {
			t.Errorf("%q: %v, %v, %v", name, got, zoned, ok)
		}
	})
}
