// Package chunk cuts a stream into chunks, where its format says and then by
// content, and names each chunk by its content, under a key.
// It does not know files, packs or stores.
//
// # Where a stream is cut
//
// Structure comes first. The stream is taken apart into structural pieces:
//
//   - JPEG (ITU-T T.81): the segments from SOI up to the first SOS | all scans
//     through EOI | what follows. Another JPEG (as in CIPA DC-007, MPF) or an
//     ISO-BMFF file (motion photo) that follows is taken apart likewise.
//   - ISO-BMFF (ISO/IEC 14496-12: MP4, MOV, HEIC, AVIF): each mdat and each
//     moov is a piece of its own, header included; other neighbouring boxes
//     join while they stay within HeadMax together.
//   - PNG (W3C PNG, third edition): what precedes the first IDAT | the run of
//     IDAT chunks | what follows, down to IEND and beyond.
//   - Anything else, and the rest of a stream from the first piece that is
//     malformed or cut short, is one piece. So is the rest of a stream after
//     its first 63 pieces: no stream shatters into thousands of tiny chunks.
//
// A piece of at most Sizes.Max bytes is one chunk and costs no rolling hash. A
// longer piece is cut by its content with restic/chunker v0.4.0, which begins
// afresh at the start of the piece.
//
// A cut is only ever a hint: whatever the bytes, the pieces put together are
// the stream, and the cuts depend on the bytes, the polynomial and the sizes
// alone, never on how the reader hands the bytes out.
package chunk

// Kind says what a chunk holds. The numbers are stored on disk.
type Kind uint8

const (
	Body Kind = 1 // picture data, video, anything large or unknown
	Head Kind = 2 // what describes a picture: EXIF, preview, moov, meta
	Page Kind = 3 // some entries of a snapshot; never made by a Cutter
)

// HeadMax is the length in bytes up to which a piece that describes a picture
// is a Head. A longer one is a Body, so that reading all heads stays cheap.
const HeadMax = 1 << 20

// Piece is one piece of a stream, never empty.
type Piece struct {
	Kind Kind
	Data []byte // valid only until the yield that was given it returns
}
