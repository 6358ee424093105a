//go:build nodynamic

package thumb

import (
	"bytes"
	"image"

	"github.com/gen2brain/heic"
)

// The decoder is libheif compiled to WebAssembly, which can reach nothing but its own memory. With the tag nodynamic it never loads a library of
// the system in its place.

func heicConfig(data []byte) (image.Config, error) {
	config, err := heic.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return config, broken(err)
	}
	return config, nil
}

func heicDecode(data []byte) (image.Image, error) {
	decoded, err := heic.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, broken(err)
	}
	return decoded, nil
}
