//go:build !nodynamic

package thumb

import "image"

// Without the tag nodynamic the decoder of HEIC would load whatever library of that name the system has, which would then read hostile
// pictures inside this process. So there is none.

func heicConfig([]byte) (image.Config, error) { return image.Config{}, ErrUnknown }

func heicDecode([]byte) (image.Image, error) { return nil, ErrUnknown }
