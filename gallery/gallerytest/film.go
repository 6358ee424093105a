package gallerytest

import "encoding/base64"

// Film has the browser record half a second of a moving dot: a WebM that it can play again.
func (b *Browser) Film() []byte {
	b.t.Helper()
	text := Eval[string](b, `new Promise(done => {
		const c = Object.assign(document.createElement("canvas"), {width: 160, height: 120}), to = c.getContext("2d");
		let n = 0;
		const draw = setInterval(() => { to.fillStyle = "#246"; to.fillRect(0, 0, 160, 120); to.fillStyle = "#fc4"; to.fillRect(n++ * 4 % 160, 50, 20, 20); }, 20);
		const r = new MediaRecorder(c.captureStream(25), {mimeType: "video/webm;codecs=vp8"}), parts = [];
		r.ondataavailable = e => parts.push(e.data);
		r.onstop = () => { clearInterval(draw); const f = new FileReader(); f.onload = () => done(f.result.split(",")[1]); f.readAsDataURL(new Blob(parts)); };
		r.start();
		setTimeout(() => r.stop(), 700);
	})`)
	film, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(film) < 500 {
		b.t.Fatalf("record a film: %d bytes, %v", len(film), err)
	}
	return film
}
