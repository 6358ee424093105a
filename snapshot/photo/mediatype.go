package photo

import "strings"

// typeOf tells the media type by the first bytes of the file, else by its
// extension, which begins with a dot and is in lower case.
func typeOf(opening, fileType []byte, extension string) string {
	if t := typeOfBytes(string(opening), fileType); t != "" {
		return moreExactly(t, extension)
	}
	return typeOfExtension[extension]
}

var typeOfPrefix = []struct{ prefix, mediaType string }{
	{"\xff\xd8\xff", "image/jpeg"},
	{pngSignature, "image/png"},
	{"GIF87a", "image/gif"},
	{"GIF89a", "image/gif"},
	{"II*\x00", "image/tiff"},
	{"MM\x00*", "image/tiff"},
	{"\x1a\x45\xdf\xa3", "video/x-matroska"},
	{"OggS", "audio/ogg"},
	{"ID3", "audio/mpeg"},
	{"#!AMR", "audio/amr"},
	{"%PDF-", "application/pdf"},
}

func typeOfBytes(opening string, fileType []byte) string {
	for _, p := range typeOfPrefix {
		if strings.HasPrefix(opening, p.prefix) {
			return p.mediaType
		}
	}
	switch {
	case strings.HasPrefix(opening, "RIFF"):
		return map[string]string{"WEBP": "image/webp", "AVI ": "video/x-msvideo", "WAVE": "audio/wav"}[opening[8:]]
	case opening[4:8] == "ftyp":
		return typeOfBrands(fileType)
	case opening[4:8] == "moov" || opening[4:8] == "mdat" || opening[4:8] == "wide":
		return "video/quicktime"
	}
	return ""
}

// typeOfBrand knows the brands of ftyp, https://mp4ra.org/registered-types/brands.
var typeOfBrand = map[string]string{
	"heic": "image/heic", "heix": "image/heic", "heim": "image/heic", "heis": "image/heic",
	"hevc": "image/heic-sequence", "hevx": "image/heic-sequence",
	"avif": "image/avif", "avis": "image/avif",
	"mif1": "image/heif", "msf1": "image/heif-sequence",
	"qt  ": "video/quicktime",
	"3gp4": "video/3gpp", "3gp5": "video/3gpp", "3gp6": "video/3gpp", "3g2a": "video/3gpp2",
	"M4A ": "audio/mp4",
	"crx ": "image/x-canon-cr3",
}

// typeOfBrands goes by the main brand. That of HEIF in general (mif1) leaves
// the coding to those that follow.
func typeOfBrands(fileType []byte) string {
	if len(fileType) < 4 {
		return "video/mp4"
	}
	t, known := typeOfBrand[string(fileType[:4])]
	if t == "image/heif" || t == "image/heif-sequence" {
		for b := fileType[min(8, len(fileType)):]; len(b) >= 4; b = b[4:] {
			if exact, known := typeOfBrand[string(b[:4])]; known && exact != "image/heif" && exact != "image/heif-sequence" {
				return exact
			}
		}
	}
	if !known {
		return "video/mp4"
	}
	return t
}

// moreExactly lets the extension decide among what begins with the same bytes.
func moreExactly(mediaType, extension string) string {
	byName := typeOfExtension[extension]
	switch {
	case mediaType == "image/tiff" && strings.HasPrefix(byName, "image/x-"),
		mediaType == "video/x-matroska" && byName == "video/webm":
		return byName
	}
	return mediaType
}

var typeOfExtension = map[string]string{
	".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".jpe": "image/jpeg",
	".png": "image/png", ".gif": "image/gif", ".webp": "image/webp", ".bmp": "image/bmp",
	".heic": "image/heic", ".heif": "image/heif", ".avif": "image/avif", ".jxl": "image/jxl",
	".tif": "image/tiff", ".tiff": "image/tiff", ".svg": "image/svg+xml",
	".dng": "image/x-adobe-dng", ".cr2": "image/x-canon-cr2", ".cr3": "image/x-canon-cr3",
	".nef": "image/x-nikon-nef", ".arw": "image/x-sony-arw", ".pef": "image/x-pentax-pef",
	".orf": "image/x-olympus-orf", ".raf": "image/x-fuji-raf", ".rw2": "image/x-panasonic-rw2",
	".srw": "image/x-samsung-srw",
	".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".3gp": "video/3gpp",
	".mkv": "video/x-matroska", ".webm": "video/webm", ".avi": "video/x-msvideo",
	".mts": "video/mp2t", ".mpg": "video/mpeg", ".mpeg": "video/mpeg",
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".ogg": "audio/ogg",
	".opus": "audio/ogg", ".wav": "audio/wav", ".amr": "audio/amr", ".flac": "audio/flac",
	".pdf": "application/pdf", ".xmp": "application/rdf+xml", ".json": "application/json", ".txt": "text/plain",
}
