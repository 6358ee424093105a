package wire

import (
	"bytes"
	"testing"
)

type sample struct {
	Name Bytes    `cbor:"1,keyasint"`
	Sum  [4]byte  `cbor:"2,keyasint"`
	Many []uint64 `cbor:"3,keyasint,omitempty"`
}

var written = []byte{0xa3, 0x01, 0x42, 'a', 0xff, 0x02, 0x44, 1, 2, 3, 4, 0x03, 0x82, 0x05, 0x18, 0x64}

func TestOneWayToWrite(t *testing.T) {
	c := New(16)
	v := sample{"a\xff", [4]byte{1, 2, 3, 4}, []uint64{5, 100}}
	data, err := c.Marshal(v)
	if err != nil || !bytes.Equal(data, written) {
		t.Fatalf("%x, %v", data, err)
	}
	var back sample
	if err := c.Unmarshal(data, &back); err != nil || back.Name != v.Name || back.Sum != v.Sum || len(back.Many) != 2 {
		t.Fatalf("%+v, %v", back, err)
	}
}

// Each of these could be understood, or breaks a bound, and is refused.
func TestAnyOtherWayIsRefused(t *testing.T) {
	many := append([]byte{0xa3, 0x01, 0x40, 0x02, 0x44, 1, 2, 3, 4, 0x03, 0x91}, bytes.Repeat([]byte{0}, 17)...)
	for name, data := range map[string][]byte{
		"nothing":            {},
		"a long number":      {0xa3, 0x01, 0x42, 'a', 0xff, 0x02, 0x44, 1, 2, 3, 4, 0x03, 0x81, 0x18, 0x05},
		"keys out of order":  {0xa2, 0x02, 0x44, 1, 2, 3, 4, 0x01, 0x40},
		"an unknown key":     {0xa3, 0x01, 0x40, 0x02, 0x44, 1, 2, 3, 4, 0x09, 0x00},
		"a key as text":      {0xa2, 0x61, '1', 0x40, 0x02, 0x44, 1, 2, 3, 4},
		"a short sum":        {0xa2, 0x01, 0x40, 0x02, 0x43, 1, 2, 3},
		"a long sum":         {0xa2, 0x01, 0x40, 0x02, 0x45, 1, 2, 3, 4, 5},
		"a sum as an array":  {0xa2, 0x01, 0x40, 0x02, 0x84, 1, 2, 3, 4},
		"an empty array":     {0xa3, 0x01, 0x40, 0x02, 0x44, 1, 2, 3, 4, 0x03, 0x80},
		"a key missing":      {0xa1, 0x01, 0x40},
		"a key twice":        {0xa3, 0x01, 0x40, 0x01, 0x40, 0x02, 0x44, 1, 2, 3, 4},
		"bytes left over":    append(bytes.Clone(written), 0),
		"cut off":            written[:len(written)-1],
		"an indefinite map":  {0xbf, 0x01, 0x40, 0x02, 0x44, 1, 2, 3, 4, 0xff},
		"a tag":              append([]byte{0xc1}, written...),
		"too many elements":  many,
		"text where bytes":   {0xa2, 0x01, 0x61, 'a', 0x02, 0x44, 1, 2, 3, 4},
		"a negative element": {0xa3, 0x01, 0x40, 0x02, 0x44, 1, 2, 3, 4, 0x03, 0x81, 0x20},
	} {
		var v sample
		if err := New(16).Unmarshal(data, &v); err == nil {
			t.Errorf("%s was read as %+v", name, v)
		}
	}
	var v struct {
		Sum [4]byte `cbor:"2,keyasint"`
	}
	if err := New(16).Glance(written, &v); err != nil || v.Sum != [4]byte{1, 2, 3, 4} {
		t.Errorf("a glance: %+v, %v", v, err)
	}
}

// Nothing is written as an empty string or array, and null is refused: there is one way to write it.
func TestNothingIsEmptyAndNotNull(t *testing.T) {
	type body struct {
		Text []byte   `cbor:"1,keyasint"`
		Many []uint64 `cbor:"2,keyasint"`
	}
	c := New(16)
	data, err := c.Marshal(body{})
	if err != nil || !bytes.Equal(data, []byte{0xa2, 0x01, 0x40, 0x02, 0x80}) {
		t.Errorf("written as %x, %v", data, err)
	}
	for _, null := range [][]byte{{0xa2, 0x01, 0xf6, 0x02, 0x80}, {0xa2, 0x01, 0x40, 0x02, 0xf6}} {
		if err := c.Unmarshal(null, new(body)); err == nil {
			t.Errorf("%x was read", null)
		}
	}
}
