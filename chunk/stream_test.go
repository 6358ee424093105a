package chunk_test

import (
	"encoding/binary"

	"pgregory.net/rapid"
)

// anyStream draws bytes that are nothing, or look like a photo or a video and
// are whole, cut short, joined or bitten.
func anyStream() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		var data []byte
		for range rapid.IntRange(1, 3).Draw(t, "streams") {
			data = append(data, rapid.OneOf(blur(), jpegStream(), bmffStream(), pngStream()).Draw(t, "stream")...)
		}
		for range rapid.IntRange(0, 3).Draw(t, "bites") {
			if len(data) > 0 {
				data[rapid.IntRange(0, len(data)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "bite")
			}
		}
		if rapid.Bool().Draw(t, "short") {
			data = data[:rapid.IntRange(0, len(data)).Draw(t, "length")]
		}
		return data
	})
}

// blur draws many bytes of few draws.
func blur() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		n := rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(0, 9000), rapid.IntRange(2000, 2100)).Draw(t, "n")
		step := rapid.Uint32Range(0, 1<<16).Draw(t, "step")
		mask := rapid.SampledFrom([]byte{0xff, 0x7f, 0}).Draw(t, "mask")
		data := make([]byte, n)
		v := uint32(1)
		for i := range data {
			v = v*1664525 + step
			data[i] = byte(v>>24) & mask
		}
		return data
	})
}

func jpegStream() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		data := []byte{0xff, 0xd8}
		for range rapid.IntRange(0, 4).Draw(t, "segments") {
			data = append(data, segment(rapid.SampledFrom([]byte{0xe0, 0xe1, 0xe2, 0xdb, 0xc4, 0xc0, 0xff}).Draw(t, "marker"), blur().Draw(t, "payload"))...)
		}
		for range rapid.IntRange(0, 3).Draw(t, "scans") {
			data = append(data, segment(0xda, []byte{1, 1, 0, 0, 63, 0})...)
			for range rapid.IntRange(0, 2).Draw(t, "runs") {
				data = append(data, blur().Draw(t, "scan")...)
				data = append(data, 0xff, rapid.SampledFrom([]byte{0, 0xd0, 0xd7, 0xff, 0x01}).Draw(t, "after ff"))
			}
		}
		return append(data, 0xff, 0xd9)
	})
}

func segment(marker byte, payload []byte) []byte {
	data := []byte{0xff, marker}
	data = binary.BigEndian.AppendUint16(data, uint16(len(payload)+2))
	return append(data, payload...)
}

func bmffStream() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		data := box("ftyp", []byte("isom\x00\x00\x02\x00isommp42"))
		for range rapid.IntRange(0, 90).Draw(t, "boxes") {
			name := rapid.SampledFrom([]string{"moov", "mdat", "free", "meta", "moof", "uuid"}).Draw(t, "name")
			payload := rapid.SampledFrom([][]byte{nil, {1, 2, 3}, make([]byte, 700)}).Draw(t, "payload")
			switch rapid.IntRange(0, 9).Draw(t, "form") {
			case 0:
				data = append(data, longBox(name, blur().Draw(t, "long payload"))...)
			case 1:
				size := rapid.SampledFrom([]uint64{0, 15, 1 << 31, 1<<63 - 1, 1 << 63, 1<<64 - 1}).Draw(t, "size")
				data = append(binary.BigEndian.AppendUint32(data, 1), name...)
				data = binary.BigEndian.AppendUint64(data, size)
			case 2:
				size := rapid.SampledFrom([]uint32{0, 2, 7, 1 << 20, 1<<31 - 1, 1<<32 - 1}).Draw(t, "size")
				data = append(binary.BigEndian.AppendUint32(data, size), name...)
			default:
				data = append(data, box(name, payload)...)
			}
		}
		return data
	})
}

func box(name string, payload []byte) []byte {
	data := binary.BigEndian.AppendUint32(nil, uint32(8+len(payload)))
	return append(append(data, name...), payload...)
}

func longBox(name string, payload []byte) []byte {
	data := append(binary.BigEndian.AppendUint32(nil, 1), name...)
	data = binary.BigEndian.AppendUint64(data, uint64(16+len(payload)))
	return append(data, payload...)
}

func pngStream() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		data := []byte("\x89PNG\r\n\x1a\n")
		for range rapid.IntRange(0, 8).Draw(t, "chunks") {
			name := rapid.SampledFrom([]string{"IHDR", "tEXt", "IDAT", "IDAT", "IDAT", "IEND"}).Draw(t, "name")
			data = append(data, pngChunk(name, blur().Draw(t, "payload"))...)
		}
		return data
	})
}

func pngChunk(name string, payload []byte) []byte {
	data := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))
	data = append(append(data, name...), payload...)
	return append(data, 1, 2, 3, 4) // nobody checks the CRC
}
