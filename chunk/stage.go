package chunk

// piecesMost bounds the structural pieces of one stream; the last of them is
// whatever is left.
const piecesMost = 64

// stage is one structural piece in the making: the head of a JPEG, a box.
type stage interface {
	// border tells where the piece ends, counted from its start, when the view
	// reaches far enough: at the latest when the view goes lookahead bytes
	// beyond. It is called again with a view of more until it answers.
	border(v view) (end int64, found verdict)
	// kind of the piece, if it is not too long for it.
	kind() Kind
	// next is the stage after this one, seeing the lookahead bytes that follow,
	// or all there are.
	next(following []byte) stage
}

type verdict uint8

const (
	notYet verdict = iota
	yes
	never // it is not what it seemed to be
)

// view is what a stage sees of its piece: bytes that were not yet cut.
type view struct {
	base  int64 // where data starts, counted from the start of the piece
	data  []byte
	final bool // the stream ends where data ends
}

// total is the length of the piece as far as it is seen.
func (v view) total() int64 { return v.base + int64(len(v.data)) }

// from gives what is seen from off on, nothing if the view does not reach off.
func (v view) from(off int64) []byte {
	if off < v.base || off >= v.total() {
		return nil
	}
	return v.data[off-v.base:]
}

// opening is where a stream begins.
type opening struct{}

func (opening) border(view) (int64, verdict) { return 0, never }
func (opening) kind() Kind                   { return Body }

func (opening) next(data []byte) stage {
	switch {
	case isJPEG(data):
		return &jpegHead{at: 2}
	case isPNG(data):
		return &pngHead{at: int64(len(pngSignature))}
	case opensBMFF(data):
		return &boxes{}
	}
	return rest{Body}
}

// rest is all that is left of a stream.
type rest struct{ as Kind }

func (r rest) border(v view) (int64, verdict) {
	if v.final {
		return v.total(), yes
	}
	return 0, notYet
}

func (r rest) kind() Kind        { return r.as }
func (r rest) next([]byte) stage { return r }
