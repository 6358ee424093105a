// Package wire is the one way structures are written and read here: CBOR (RFC 8949), in its deterministic
// encoding, read strictly and within bounds. It does not know what the structures mean.
package wire

import (
	"bytes"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// depth bounds how deeply arrays and maps may nest.
const depth = 8

// Codec writes and reads CBOR. Use New; a Codec may be used by many goroutines at once.
type Codec struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

// New makes a codec that reads no array or map of more than most elements (at least 16).
func New(most int) Codec {
	enc, err := cbor.EncOptions{Sort: cbor.SortCoreDeterministic, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		NilContainers: cbor.NilContainerAsEmpty}.EncMode() // nothing has one form: an empty string or array, never null
	if err != nil {
		panic(err) // only for options that contradict each other
	}
	dec, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		MaxArrayElements: most, MaxMapPairs: most, MaxNestedLevels: depth}.DecMode()
	if err != nil {
		panic(err)
	}
	return Codec{enc, dec}
}

// Marshal encodes v: the same value always gives the same bytes.
func (c Codec) Marshal(v any) ([]byte, error) { return c.enc.Marshal(v) }

// Unmarshal decodes all of data into v. Bytes left over, a key twice or unknown, an indefinite length, a tag, a bound
// overstepped is an error, and so is every other way to write the same than the one Marshal has.
func (c Codec) Unmarshal(data []byte, v any) error {
	if err := c.Glance(data, v); err != nil {
		return err
	}
	if again, err := c.enc.Marshal(v); err != nil || !bytes.Equal(again, data) {
		return fmt.Errorf("not in the form it should have: it would not be written like this")
	}
	return nil
}

// Glance decodes as Unmarshal does, and passes over keys that v does not have: what tells whether the rest can be understood
// is read in this way.
func (c Codec) Glance(data []byte, v any) error {
	if err := c.dec.Unmarshal(data, v); err != nil {
		return fmt.Errorf("not in the form it should have: %w", err)
	}
	return nil
}

// Bytes is a string of any bytes: it is written as a byte string, where a Go string would have to be UTF-8.
type Bytes = cbor.ByteString
