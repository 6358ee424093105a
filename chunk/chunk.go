// Package chunk cuts a stream into chunks where its format says and then by
// content, and names each chunk by its content, under a key.
// It does not know files, packs or stores.
package chunk

// Kind says what a chunk holds. The numbers are stored on disk.
type Kind uint8

const (
	Body Kind = 1 // picture data, video, anything large or unknown
	Head Kind = 2 // what describes a picture: EXIF, preview, moov, meta
	Page Kind = 3 // some entries of a snapshot; never made by a Cutter
)

// Piece is one piece of a stream, never empty.
type Piece struct {
	Kind Kind
	Data []byte // valid only until the yield that was given it returns
}
