package thumb

import (
	"image"
	"image/color"
	"image/draw"

	scaling "golang.org/x/image/draw"
)

// scale makes a picture smaller: blocks of pixels become one while that is exact, and the rest is interpolated.
func scale(from image.Image, width, height int) *image.RGBA {
	by := min(from.Bounds().Dx()/width, from.Bounds().Dy()/height) / 2 // leaves at least twice the pixels for interpolation
	if y, ok := from.(*image.YCbCr); ok && by >= 2 {
		from = blocks(y, by)
	}
	to := image.NewRGBA(image.Rect(0, 0, width, height))
	if !opaque(from) {
		draw.Draw(to, to.Bounds(), image.NewUniform(color.RGBA{0xe8, 0xe8, 0xea, 0xff}), image.Point{}, draw.Src)
	}
	scaling.BiLinear.Scale(to, to.Bounds(), from, from.Bounds(), draw.Over, nil)
	return to
}

func opaque(i image.Image) bool {
	o, ok := i.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// blocks averages squares of by pixels a side. JPEGs are decoded to planes of light and colour, which are averaged as they are.
func blocks(from *image.YCbCr, by int) image.Image {
	b := from.Bounds()
	width, height := b.Dx()/by, b.Dy()/by
	to := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio444)
	for y := range height {
		for x := range width {
			at := y*to.YStride + x
			to.Y[at] = average(from.Y, from.YOffset(b.Min.X+x*by, b.Min.Y+y*by), from.YStride, by, by)
		}
	}
	across, down := steps(from.SubsampleRatio)
	for y := range height {
		for x := range width {
			at, c := y*to.CStride+x, from.COffset(b.Min.X+x*by, b.Min.Y+y*by)
			to.Cb[at] = average(from.Cb, c, from.CStride, max(by/across, 1), max(by/down, 1))
			to.Cr[at] = average(from.Cr, c, from.CStride, max(by/across, 1), max(by/down, 1))
		}
	}
	return to
}

func average(plane []byte, at, stride, width, height int) byte {
	sum, n := 0, 0
	for range height {
		if at+width > len(plane) {
			break
		}
		for _, v := range plane[at : at+width] {
			sum += int(v)
		}
		n += width
		at += stride
	}
	if n == 0 {
		return 128
	}
	return byte(sum / n)
}

// steps is how many pixels share one colour, across and down.
func steps(r image.YCbCrSubsampleRatio) (across, down int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// turn makes a picture upright that is stored as EXIF's orientation says.
func turn(from *image.RGBA, orientation uint8) image.Image {
	if orientation < 2 || orientation > 8 {
		return from
	}
	w, h := from.Bounds().Dx(), from.Bounds().Dy()
	across, down := w, h
	if orientation >= 5 {
		across, down = h, w
	}
	to := image.NewRGBA(image.Rect(0, 0, across, down))
	for y := range down {
		for x := range across {
			sx, sy := source(orientation, x, y, w, h)
			copy(to.Pix[to.PixOffset(x, y):][:4], from.Pix[from.PixOffset(sx, sy):][:4])
		}
	}
	return to
}

// source is where the pixel comes from that is seen at x, y.
func source(orientation uint8, x, y, w, h int) (int, int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	}
	return w - 1 - y, x // 8
}
