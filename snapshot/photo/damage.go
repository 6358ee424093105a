package photo

import (
	"errors"
	"io"
	"path"
	"strings"
)

// Damage is what is wrong with an original, told from its bytes. The words are stable: programs may compare them.
type Damage string

const (
	Sound       Damage = ""            // nothing was seen to be wrong
	Empty       Damage = "empty"       // a picture, video or sound of no bytes
	Blank       Damage = "blank"       // it begins with zeros, where every such file has something to say
	NoEnd       Damage = "no-end"      // JPEG without its end marker, PNG without IEND
	CutOff      Damage = "cut-off"     // a part of it runs past the end of the file
	NoMovie     Damage = "no-moov"     // a recording that was never finished, of which no player shows anything
	Undecodable Damage = "undecodable" // found by trying to decode it, see Decodes
)

// Text is the damage in words that follow "the file".
func (d Damage) Text() string {
	switch d {
	case Sound:
		return "is sound"
	case Empty:
		return "is empty"
	case Blank:
		return "begins with nothing but zeros"
	case NoEnd:
		return "has no end marker"
	case CutOff:
		return "is cut off"
	case NoMovie:
		return "has no moov: the recording was never finished"
	case Undecodable:
		return "can no longer be decoded"
	}
	return "is damaged (" + string(d) + ")"
}

// Examine tells whether a file of a size, whose bytes r has, is damaged. The name, with or without folders before it, says what the file was
// meant to be where its bytes do not. What is not known to be a picture or a video is Sound, and so is all that is merely odd: a false alarm is worse
// than a miss. What stands behind the end of a JPEG or PNG (the video of a motion photo, the trailers of phones, padding) is nobody's business.
//
// It reads the beginning and the end, and more only where these leave a doubt: of a JPEG its bytes up to the end marker, of PNG, GIF and
// ISO-BMFF a few bytes in each part. It takes 64 KiB of memory, and reads 512 MiB at most. An error is one of r.
func Examine(name string, r io.ReaderAt, size int64) (Damage, error) {
	by := typeOfExtension[strings.ToLower(path.Ext(name))]
	x := &examination{file: r, size: size, visual: strings.HasPrefix(by, "image/") || strings.HasPrefix(by, "video/"),
		video: strings.HasPrefix(by, "video/"), boxed: boxedTypes[by], xml: by == "image/svg+xml"}
	if size == 0 {
		if x.visual || strings.HasPrefix(by, "audio/") {
			return Empty, nil
		}
		return Sound, nil
	}
	d, err := x.look()
	if err != nil {
		return Sound, err
	}
	return d, nil
}

// boxedTypes are kept in ISO-BMFF, whatever the first box.
var boxedTypes = map[string]bool{"image/heic": true, "image/heif": true, "image/avif": true, "video/mp4": true, "video/quicktime": true, "video/3gpp": true}

// examination is one file under examination.
type examination struct {
	file                      io.ReaderAt
	size                      int64
	visual, video, boxed, xml bool // what its name says
}

// openingBlank is how many zeros at the beginning are too many.
const openingBlank = 4 << 10

func (x *examination) look() (Damage, error) {
	opening, err := x.at(0, openingBlank)
	if err != nil {
		return Sound, err
	}
	if x.visual && !x.xml && allZero(opening) {
		return Blank, nil
	}
	if len(opening) < openingLength {
		return x.short(opening), nil
	}
	switch text := string(opening[:openingLength]); {
	case strings.HasPrefix(text, "\xff\xd8\xff"):
		return x.jpeg()
	case strings.HasPrefix(text, pngSignature):
		return x.png()
	case strings.HasPrefix(text, "GIF87a"), strings.HasPrefix(text, "GIF89a"):
		return x.gif()
	case text[:4] == "RIFF" && text[8:] == "WEBP":
		return x.webp(opening), nil
	case text[4:8] == "ftyp", x.boxed && isTopBox(text[4:8]):
		return x.boxes()
	}
	return Sound, nil
}

// short judges a file too short to be anything.
func (x *examination) short(opening []byte) Damage {
	for _, start := range []string{"\xff\xd8\xff", pngSignature, "GIF8", "RIFF"} {
		n := min(len(start), len(opening))
		if x.visual && n > 1 && string(opening[:n]) == start[:n] {
			return CutOff
		}
	}
	return Sound
}

// at gives up to n bytes at a place; fewer only at the end of the file.
func (x *examination) at(from int64, n int) ([]byte, error) {
	if from >= x.size {
		return nil, nil
	}
	b := make([]byte, min(int64(n), x.size-from))
	got, err := x.file.ReadAt(b, from)
	if errors.Is(err, io.EOF) {
		err = nil
		if got < len(b) {
			err = io.ErrUnexpectedEOF // it is shorter than was said
		}
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
