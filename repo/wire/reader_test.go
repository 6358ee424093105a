package wire_test

import (
	"bytes"
	"math"
	"testing"

	"shoebox/repo/wire"
)

// item is whatever the reader is asked for, one after the other.
type item struct {
	N    uint64 `cbor:"1,keyasint"`
	I    int64  `cbor:"2,keyasint"`
	B    []byte `cbor:"3,keyasint"`
	T    string `cbor:"4,keyasint"`
	List []int8 `cbor:"5,keyasint"`
}

// byHand reads an item as Unmarshal does.
func byHand(data []byte) (v item, err error) {
	r := wire.NewReader(data)
	if r.Map(5) != 5 {
		r.Fail()
	}
	key := func(want uint64) {
		if r.Uint(want) != want {
			r.Fail()
		}
	}
	key(1)
	v.N = r.Uint(math.MaxUint64)
	key(2)
	v.I = r.Int()
	key(3)
	v.B = append([]byte{}, r.Bytes()...)
	key(4)
	v.T = string(r.Text())
	key(5)
	for range r.Array(16) {
		n := r.Int()
		if n < math.MinInt8 || n > math.MaxInt8 {
			r.Fail()
		}
		v.List = append(v.List, int8(n))
	}
	return v, r.Done()
}

// The reader takes what Unmarshal takes, and nothing else.
func FuzzReader(f *testing.F) {
	codec := wire.New(16)
	for _, v := range []item{{}, {N: math.MaxUint64, I: math.MinInt64, B: []byte{0xff}, T: "é", List: []int8{-128, 127}}, {N: 24, I: -25, B: bytes.Repeat([]byte("b"), 300), T: "t", List: make([]int8, 16)}} {
		data, err := codec.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var want item
		refused := codec.Unmarshal(data, &want)
		got, err := byHand(data)
		if (err == nil) != (refused == nil) {
			t.Fatalf("%x: read with %v, and by the codec with %v", data, err, refused)
		}
		if err != nil {
			return
		}
		if again, err := codec.Marshal(got); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x: read as %+v, which is written as %x: %v", data, got, again, err)
		}
	})
}

// What failed once gives nothing any more, whatever is asked for.
func TestReaderEndsAtTheFirstFault(t *testing.T) {
	r := wire.NewReader([]byte{0x18, 0x17, 1, 2, 3})
	if n := r.Uint(math.MaxUint64); n != 0 || !r.Failed() {
		t.Errorf("23 in two bytes was read as %d", n)
	}
	if r.Uint(9) != 0 || r.Int() != 0 || len(r.Bytes()) > 0 || len(r.Text()) > 0 || r.Array(9) != 0 || r.Map(9) != 0 || r.Len() != 0 || r.Done() == nil {
		t.Error("it goes on behind a fault")
	}
}
