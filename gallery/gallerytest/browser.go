// Package gallerytest is who looks at a gallery: a real Chromium, or a visitor without one, and the made-up pictures that they see, for tests and for
// measuring. It does not know how the gallery works, nor where it keeps anything.
package gallerytest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// T is who drives a browser: a test, or a program that measures. Fatalf does not return.
type T interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Browser is a Chromium with one page.
type Browser struct {
	t   T
	ctx context.Context
}

// Open starts a browser, which ends with t. Chromium must be installed: make test does that.
func Open(t T) *Browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.WindowSize(1280, 800), chromedp.ExecPath("chromium"),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stopPage := chromedp.NewContext(ctx)
	t.Cleanup(stopPage)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // the first step starts the browser, which lives as long as its context
		t.Fatalf("start Chromium (make test installs it): %v", err)
	}
	b := &Browser{t, ctx}
	b.Size(1280, 800)
	return b
}

// For gives the same browser to another test, such as one below the test that opened it. It begins on an empty page.
func (b *Browser) For(t T) *Browser {
	other := &Browser{t, b.ctx}
	other.Go("about:blank")
	other.Size(1280, 800)
	other.Dark(false)
	return other
}

// do runs steps within a minute.
func (b *Browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("in the browser: %v", err)
	}
}

// Go opens an address.
func (b *Browser) Go(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
}

// Downloads has files that are downloaded put into a folder.
func (b *Browser) Downloads(dir string) {
	b.t.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: "allow", DownloadPath: dir})
		return chromedp.Void{}, err
	})
}

// Size makes the window so many pixels large.
func (b *Browser) Size(width, height int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, height))
}

// Dark asks for dark colours, or light ones.
func (b *Browser) Dark(dark bool) {
	b.t.Helper()
	value := "light"
	if dark {
		value = "dark"
	}
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}}})
		return chromedp.Void{}, err
	})
}

// Eval gives the value of an expression, whose promise it waits for.
func Eval[T any](b *Browser, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*time.Minute)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("in the browser: %s: %v", expression, err)
	}
	return v
}

// Wait waits until an expression is true, for at most a minute.
func (b *Browser) Wait(expression string) {
	b.t.Helper()
	end := time.Now().Add(time.Minute)
	for time.Now().Before(end) {
		ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		cancel()
		if err == nil && ok {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	text := Eval[string](b, "document.body ? document.body.innerText.slice(0, 600) : ''")
	b.t.Fatalf("waited in vain for %s; the page says %q", expression, text)
}

// Text is what an element shows.
func (b *Browser) Text(selector string) string {
	b.t.Helper()
	return Eval[string](b, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// Click presses on the middle of an element with the mouse, as a person would.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(selector))
}

// keys are those that write nothing.
var keys = map[string]int64{"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Escape": 27, "Enter": 13, "Tab": 9, "Home": 36, "End": 35, " ": 32}

// Key presses a key: a letter, or a name such as ArrowDown.
func (b *Browser) Key(name string) {
	b.t.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		text := ""
		if len(name) == 1 {
			text = name
		}
		if name == "Enter" {
			text = "\r"
		}
		for _, kind := range []input.DispatchKeyEventType{"keyDown", "keyUp"} {
			p := input.DispatchKeyEventParams{Type: kind, Key: name, WindowsVirtualKeyCode: keys[name]}
			if kind == "keyDown" {
				p.Text = text
			}
			if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, p); err != nil {
				return chromedp.Void{}, err
			}
		}
		return chromedp.Void{}, nil
	})
}

// Type writes text into what has the focus.
func (b *Browser) Type(text string) {
	b.t.Helper()
	for _, c := range text {
		b.Key(string(c))
	}
}

// Picture keeps a picture of the page, when SHOEBOX_SCREENSHOTS names a folder for them.
func (b *Browser) Picture(name string) {
	b.t.Helper()
	dir := os.Getenv("SHOEBOX_SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644)
	}
	if err != nil {
		b.t.Fatalf("keep a picture of the page: %v", err)
	}
}
