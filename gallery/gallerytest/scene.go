package gallerytest

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
)

// Scene draws a made-up landscape, so that pages of a test look like those of a person: sky, sun, hills, perhaps water. It is in the public domain.
func Scene(seed uint64, width, height int) image.Image {
	rng := rand.New(rand.NewPCG(seed, 77))
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	moods := [][4]color.RGBA{ // sky above, sky below, far hills, near hills
		{{74, 144, 217, 255}, {222, 238, 250, 255}, {120, 152, 170, 255}, {52, 92, 66, 255}},
		{{40, 40, 92, 255}, {250, 150, 100, 255}, {112, 72, 110, 255}, {38, 26, 52, 255}},
		{{120, 190, 220, 255}, {255, 240, 210, 255}, {170, 180, 140, 255}, {120, 130, 60, 255}},
		{{12, 18, 48, 255}, {70, 90, 150, 255}, {34, 44, 80, 255}, {10, 14, 30, 255}},
		{{200, 214, 226, 255}, {246, 248, 250, 255}, {176, 190, 204, 255}, {90, 108, 124, 255}},
		{{255, 170, 120, 255}, {255, 226, 170, 255}, {205, 120, 100, 255}, {120, 52, 60, 255}},
		{{90, 170, 160, 255}, {226, 244, 230, 255}, {80, 140, 120, 255}, {24, 70, 64, 255}},
	}
	mood := moods[rng.IntN(len(moods))]
	sunX, sunY, sunR := rng.Float64()*float64(width), (0.12+0.3*rng.Float64())*float64(height), (0.04+0.05*rng.Float64())*float64(height)
	ridge := func(base, rough float64) func(x float64) float64 {
		var waves [5][3]float64
		for i := range waves {
			waves[i] = [3]float64{rough / float64(i+1), (0.8 + rng.Float64()) * math.Pow(1.9, float64(i)), rng.Float64() * 7}
		}
		return func(x float64) float64 {
			y := base
			for _, w := range waves {
				y += w[0] * math.Sin(x*w[1]*2+w[2])
			}
			return y * float64(height)
		}
	}
	far, middle, near := ridge(0.52+0.1*rng.Float64(), 0.05), ridge(0.66, 0.05), ridge(0.82+0.1*rng.Float64(), 0.04)
	water := rng.IntN(3) == 0
	for x := range width {
		at := float64(x) / float64(width)
		tops := [3]float64{far(at), middle(at), near(at)}
		for y := range height {
			h := float64(y)
			c := blend(mood[0], mood[1], h/(0.62*float64(height)))
			if d := math.Hypot(float64(x)-sunX, h-sunY); d < sunR {
				c = blend(color.RGBA{255, 252, 230, 255}, c, 0.1)
			} else if d < sunR*4 {
				c = blend(color.RGBA{255, 244, 210, 255}, c, 0.45+0.55*(d-sunR)/(3*sunR))
			}
			switch {
			case h > tops[2]:
				c = blend(mood[3], color.RGBA{0, 0, 0, 255}, 0.35*(h-tops[2])/float64(height))
			case h > tops[1] && water:
				c = blend(mood[1], mood[0], (h-tops[1])/(0.3*float64(height))+0.06*math.Sin(h*0.9+3*at))
			case h > tops[1]:
				c = blend(mood[2], mood[3], 0.6)
			case h > tops[0]:
				c = blend(mood[2], mood[1], 0.25)
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func blend(a, b color.RGBA, share float64) color.RGBA {
	share = max(0, min(1, share))
	mix := func(x, y uint8) uint8 { return uint8(float64(x)*(1-share) + float64(y)*share) }
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

// Photo is a scene as a JPEG, and the small one that a camera would put into its tags.
func Photo(seed uint64, width, height int) (whole, preview []byte) {
	return encode(Scene(seed, width, height), 80), encode(Scene(seed, 160, max(160*height/width, 1)), 60)
}

func encode(m image.Image, quality int) []byte {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: quality}); err != nil {
		panic(err) // a buffer takes everything
	}
	return out.Bytes()
}
