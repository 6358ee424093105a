package chunk_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"shoebox/chunk"
	"shoebox/snapshot/photo/phototest"
)

var tags = phototest.Tags{
	Taken: time.Date(2024, 7, 1, 12, 30, 0, 0, time.UTC), Offset: "+02:00", Orientation: 6,
	Make: "Google", Model: "Pixel 8", MakerNote: 20 << 10,
}

// stored counts the bytes of new chunks, each id once, as each stream is kept
// after the ones before.
func stored(t *testing.T, c *chunk.Cutter, streams ...[]byte) (added []int) {
	var key chunk.Key
	known := map[chunk.ID]bool{}
	for _, data := range streams {
		pieces := cut(t, c, bytes.NewReader(data))
		checkPieces(t, data, pieces, chunk.DefaultSizes)
		n := 0
		for _, p := range pieces {
			if id := key.ID(p.Data); !known[id] {
				known[id] = true
				n += len(p.Data)
			}
		}
		added = append(added, n)
	}
	return added
}

func TestEditingEXIFStoresTheHeadAlone(t *testing.T) {
	photo := phototest.JPEG(phototest.Rand(1), phototest.Picture{Bytes: 5 << 20, Tags: tags})
	longer, shorter := tags, tags
	longer.Description = string(bytes.Repeat([]byte("at the sea "), 3000))
	shorter.MakerNote = 0
	grown := phototest.Retag(photo, longer, phototest.Rand(2))
	shrunk := phototest.Retag(photo, shorter, phototest.Rand(2))
	bare := phototest.Retag(photo, phototest.Tags{}, phototest.Rand(2))
	if len(grown) <= len(photo) || len(shrunk) >= len(photo) || len(photo) < 5<<20-100<<10 {
		t.Fatalf("lengths %d, %d, %d test nothing", len(photo), len(grown), len(shrunk))
	}
	added := stored(t, newCutter(t, chunk.DefaultSizes), photo, grown, shrunk, bare)
	for i, name := range []string{"grown", "shrunk", "without EXIF"} {
		if n := added[i+1]; n == 0 || n >= 200_000 {
			t.Errorf("header %s: %d bytes of new chunks", name, n)
		}
	}
}

func TestMovingMoovStoresLessThanATenth(t *testing.T) {
	for _, size := range []int{1 << 20, 5 << 20, 24 << 20} {
		video := phototest.Video{Bytes: size}
		last := phototest.MP4(phototest.Rand(3), video)
		video.MoovFirst = true
		first := phototest.MP4(phototest.Rand(3), video)
		for name, pair := range map[string][2][]byte{"to the front": {last, first}, "to the end": {first, last}} {
			added := stored(t, newCutter(t, chunk.DefaultSizes), pair[0], pair[1])
			if n := added[1]; n == 0 || n*10 >= len(pair[1]) {
				t.Errorf("%d bytes, moov %s: %d bytes of new chunks", size, name, n)
			}
		}
	}
}

func TestMotionPhotoSharesThePicture(t *testing.T) {
	picture := phototest.Picture{Bytes: 4 << 20, Tags: tags}
	plain := phototest.JPEG(phototest.Rand(4), picture)
	motion := phototest.MotionPhoto(phototest.Rand(4), picture, phototest.Video{Bytes: 3 << 20})
	c := newCutter(t, chunk.DefaultSizes)
	body := cut(t, c, bytes.NewReader(plain))[1]
	pieces := cut(t, c, bytes.NewReader(motion))
	shared := slices.ContainsFunc(pieces, func(p chunk.Piece) bool { return bytes.Equal(p.Data, body.Data) })
	if body.Kind != chunk.Body || len(body.Data) < 4<<20-100<<10 || !shared {
		t.Errorf("the picture of %v is not in %v", len(body.Data), lengths(pieces))
	}
	if added := stored(t, c, plain, motion); added[1] > 3<<20+200<<10 {
		t.Errorf("the motion photo adds %d bytes", added[1])
	}
}

// Where the format says: kinds and lengths of the pieces.
func TestPiecesOfEachFormat(t *testing.T) {
	text := func(n int) []byte { return bytes.Repeat([]byte("t"), n) }
	scan := func(n int) []byte { return segmentWith(0xda, []byte{0}, text(n)) }
	head := slices.Concat([]byte{0xff, 0xd8}, segment(0xe1, text(100)), segment(0xdb, text(65)))
	end := []byte{0xff, 0xd9}
	jpeg := slices.Concat(head, scan(500), end)
	ftyp := box("ftyp", []byte("isom\x00\x00\x02\x00"))
	signature := []byte("\x89PNG\r\n\x1a\n")
	idat := pngChunk("IDAT", text(700))
	tail := slices.Concat(pngChunk("tEXt", text(30)), pngChunk("IEND", nil))
	type part struct {
		kind chunk.Kind
		data []byte
	}
	for name, parts := range map[string][]part{
		"jpeg":           {{chunk.Head, head}, {chunk.Body, slices.Concat(scan(500), end)}},
		"jpeg with fill": {{chunk.Head, slices.Concat(head, []byte{0xff, 0xff})}, {chunk.Body, slices.Concat(scan(5), []byte{0xff}, end)}},
		"jpeg progressive": {{chunk.Head, head}, {chunk.Body, slices.Concat(scan(9), segment(0xc4, []byte{0xff, 0xd9, 0xff}),
			scan(20), []byte{0xff, 0, 0xff, 0xd3, 0xff, 0x01}, segment(0xdc, []byte{0, 9}), scan(7), end)}},
		"jpeg with MPF":          {{chunk.Head, head}, {chunk.Body, slices.Concat(scan(500), end)}, {chunk.Head, head}, {chunk.Body, slices.Concat(scan(40), end)}},
		"jpeg cut short":         {{chunk.Head, head}, {chunk.Body, scan(500)}},
		"jpeg cut in its head":   {{chunk.Body, head}},
		"jpeg without a scan":    {{chunk.Body, slices.Concat(head, end)}},
		"jpeg of a wrong length": {{chunk.Body, slices.Concat(head, []byte{0xff, 0xe1, 0, 1}, scan(3), end)}},
		"samsung trailer":        {{chunk.Head, head}, {chunk.Body, slices.Concat(scan(500), end)}, {chunk.Body, []byte("\x00\x00\x01\x0aImage_UTC_DataSEFH\x00\x00SEFT")}},
		"motion photo": {{chunk.Head, head}, {chunk.Body, slices.Concat(scan(500), end)}, {chunk.Head, ftyp}, {chunk.Body, box("mdat", text(300))},
			{chunk.Head, box("moov", text(90))}, {chunk.Body, []byte("\x00\x00\x00\x00SEFT")}},
		"moov last":          {{chunk.Head, slices.Concat(ftyp, box("free", nil))}, {chunk.Body, box("mdat", text(300))}, {chunk.Head, box("moov", text(90))}},
		"moov first":         {{chunk.Head, ftyp}, {chunk.Head, box("moov", text(90))}, {chunk.Head, box("free", nil)}, {chunk.Body, box("mdat", text(300))}},
		"old mov":            {{chunk.Head, box("wide", nil)}, {chunk.Body, box("mdat", text(300))}, {chunk.Head, box("moov", text(90))}},
		"heic":               {{chunk.Head, slices.Concat(ftyp, box("meta", text(90)))}, {chunk.Body, longBox("mdat", text(300))}, {chunk.Head, box("uuid", text(16))}},
		"mdat to the end":    {{chunk.Head, ftyp}, {chunk.Body, slices.Concat([]byte("\x00\x00\x00\x00mdat"), text(900))}},
		"mdat cut short":     {{chunk.Head, ftyp}, {chunk.Body, box("mdat", text(300))[:200]}},
		"box of 2^63":        {{chunk.Head, ftyp}, {chunk.Body, slices.Concat([]byte("\x00\x00\x00\x01mdat\x80\x00\x00\x00\x00\x00\x00\x00"), text(900))}},
		"box of 2^62":        {{chunk.Head, ftyp}, {chunk.Body, slices.Concat([]byte("\x00\x00\x00\x01moov\x40\x00\x00\x00\x00\x00\x00\x00"), text(900))}},
		"box of 7 bytes":     {{chunk.Head, ftyp}, {chunk.Body, slices.Concat([]byte("\x00\x00\x00\x07moov"), text(900))}},
		"box of no name":     {{chunk.Head, ftyp}, {chunk.Body, slices.Concat([]byte("\x00\x00\x00\x20\x00\x01\x02\x03"), text(900))}},
		"png":                {{chunk.Head, slices.Concat(signature, pngChunk("IHDR", text(13)))}, {chunk.Body, slices.Concat(idat, idat)}, {chunk.Head, tail}},
		"png of one part":    {{chunk.Body, slices.Concat(signature, pngChunk("IHDR", text(13)), tail)}},
		"png cut short":      {{chunk.Head, slices.Concat(signature, pngChunk("IHDR", text(13)))}, {chunk.Body, idat[:99]}},
		"png of length 2^31": {{chunk.Body, slices.Concat(signature, []byte("\x80\x00\x00\x00IHDR"), idat)}},
		"jpeg then png":      {{chunk.Head, head}, {chunk.Body, slices.Concat(scan(500), end)}, {chunk.Body, slices.Concat(signature, idat)}},
		"text":               {{chunk.Body, text(1500)}},
		"jpeg after text":    {{chunk.Body, slices.Concat(text(1), jpeg)}},
	} {
		var data []byte
		var want []chunk.Piece
		for _, p := range parts {
			data = append(data, p.data...)
			want = append(want, chunk.Piece{Kind: p.kind, Data: p.data})
		}
		for how, r := range readers(data) {
			if got := cut(t, newCutter(t, small), r); !samePieces(got, want) {
				t.Errorf("%s, read %s: got %v, want %v", name, how, lengths(got), lengths(want))
			}
		}
	}
}

func segmentWith(marker byte, payload, data []byte) []byte {
	return append(segment(marker, payload), data...)
}

func TestLongHeadIsABody(t *testing.T) {
	c := newCutter(t, chunk.DefaultSizes)
	for _, segments := range []int{15, 16, 17, 40, 200} {
		data := []byte{0xff, 0xd8}
		for range segments {
			data = append(data, segment(0xe1, make([]byte, 65533))...)
		}
		length := len(data)
		data = append(append(data, segment(0xda, nil)...), 0xff, 0xd9)
		pieces := cut(t, c, bytes.NewReader(data))
		checkPieces(t, data, pieces, chunk.DefaultSizes)
		want := chunk.Body
		if length <= chunk.HeadMax {
			want = chunk.Head
		}
		if pieces[0].Kind != want || len(pieces[len(pieces)-1].Data) != 6 {
			t.Errorf("head of %d bytes: %v", length, lengths(pieces))
		}
	}
}

// A piece longer than a chunk is cut by its content from its own start, and
// the piece after it is found all the same.
func TestLongPiecesAreCutByContent(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	data := noise(rng, 50_000)
	c := newCutter(t, small)
	for name, header := range map[string]int{"mdat": 8, "long mdat": 16} {
		mdat := box("mdat", data)
		if header == 16 {
			mdat = longBox("mdat", data)
		}
		want := cut(t, c, bytes.NewReader(append([]byte("not a box"), mdat...)[9:]))
		file := slices.Concat(box("ftyp", []byte("isom")), mdat, box("moov", []byte("1234")))
		got := cut(t, c, bytes.NewReader(file))
		if !samePieces(got[1:len(got)-1], want) {
			t.Errorf("%s: got %v, alone it is %v", name, lengths(got), lengths(want))
		}
		if last := got[len(got)-1]; last.Kind != chunk.Head || string(last.Data[4:8]) != "moov" {
			t.Errorf("%s: the moov is lost in %v", name, lengths(got))
		}
	}
}

func TestHostileHeadersMakeNoTinyChunks(t *testing.T) {
	const n = 1 << 20
	pair := append(box("moov", nil), box("mdat", nil)...)
	tiny := []byte{0xff, 0xd8, 0xff, 0xda, 0, 2, 0xff, 0xd9}
	for name, data := range map[string][]byte{
		"boxes of 8 bytes":     bytes.Repeat(box("free", nil), n/8),
		"moov and mdat":        bytes.Repeat(pair, n/16),
		"pictures of 8 bytes":  bytes.Repeat(tiny, n/8),
		"segments of 2 bytes":  append([]byte{0xff, 0xd8}, bytes.Repeat([]byte{0xff, 0xe1, 0, 2}, n/4)...),
		"only 0xff":            append([]byte{0xff, 0xd8}, bytes.Repeat([]byte{0xff}, n)...),
		"chunks of no data":    append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat(pngChunk("tEXt", nil), n/12)...),
		"boxes of 2^63 - 1":    bytes.Repeat(append(binary.BigEndian.AppendUint32(nil, 1), "freeÿÿÿÿ"...), n/16),
		"data chunks, no data": slices.Concat([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", nil), bytes.Repeat(pngChunk("IDAT", nil), n/12)),
	} {
		pieces := cut(t, newCutter(t, chunk.DefaultSizes), bytes.NewReader(data))
		checkPieces(t, data, pieces, chunk.DefaultSizes)
		if len(pieces) > 64+n/int(chunk.DefaultSizes.Min) {
			t.Errorf("%s: %d pieces", name, len(pieces))
		}
	}
}
