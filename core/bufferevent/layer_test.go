package bufferevent_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-libevent/libevent/core/bufferevent"
	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/core/evtest"
)

// layerOptions are all combinations.
var layerOptions = []bufferevent.LayerOptions{
	0, bufferevent.LayerBatch, bufferevent.LayerReportSent, bufferevent.LayerBatch | bufferevent.LayerReportSent,
	bufferevent.LayerEndsBelow, bufferevent.LayerBatch | bufferevent.LayerReportSent | bufferevent.LayerEndsBelow,
}

// eachLayer runs a test with all options.
func eachLayer(t *testing.T, test func(t *testing.T, opts bufferevent.LayerOptions)) {
	for _, opts := range layerOptions {
		t.Run(fmt.Sprint("options ", opts), func(t *testing.T) { test(t, opts) })
	}
}

func TestALayerMovesData(t *testing.T) {
	eachLayer(t, func(t *testing.T, opts bufferevent.LayerOptions) {
		base := newBase(t)
		r, far := relayOverPair(t, base, opts, nil)
		var d diary
		d.keep(&r.bev)
		write(t, far, "one|two|thr")
		settle(t, base)
		want(t, "input", take(t, &r.bev), "onetwo")
		d.want(t, "read")
		write(t, far, "ee|")
		settle(t, base)
		want(t, "input", take(t, &r.bev), "three")
		d.want(t, "read")
		write(t, &r.bev, "out")
		settle(t, base)
		want(t, "input there", take(t, far), "out|")
		d.want(t, "write")
		want(t, "calls of Decode", fmt.Sprint(r.decoded), "[{11 -1 0} {7 -1 0} {3 -1 0} {6 -1 0}]")
	})
}

// Until Open nothing is transformed, what arrives is the transport's, and what is written,
// the end included, waits.
func TestALayerMovesNothingBeforeOpen(t *testing.T) {
	eachLayer(t, func(t *testing.T, opts bufferevent.LayerOptions) {
		base := newBase(t)
		under, far := halves(t, base, 0)
		ok(t, far.Enable(event.Read))
		r := newRelay(t, under, opts, nil)
		var d diary
		d.keep(&r.bev)
		write(t, &r.bev, "early")
		write(t, far, "greeting;word|")
		ok(t, r.bev.CloseWrite())
		settle(t, base)
		want(t, "input below", contents(t, under), "greeting;word|")
		want(t, "output", r.bev.Output().Len(), 5)
		d.want(t)
		ok(t, under.Input().Drain(len("greeting;")))
		r.open(t)
		settle(t, base)
		want(t, "input there", take(t, far), "early|end|")
		want(t, "input, which nobody reads yet", r.bev.Input().Len(), 0)
		d = nil
		ok(t, r.bev.Enable(event.Read))
		d.want(t) // not from within Enable
		settle(t, base)
		d.want(t, "read")
		want(t, "input", take(t, &r.bev), "word")
	})
}

// Each direction fails on its own, after what was good; or both do.
func TestATransformThatFails(t *testing.T) {
	both := func(_ event.What, err error) (bufferevent.Events, error) {
		return bufferevent.EventReading | bufferevent.EventWriting | bufferevent.EventError, err
	}
	for name, c := range map[string]struct {
		prepare func(r *relay)
		in, out string
		want    string
		enabled event.What
	}{
		"reading": {nil, "good|!", "", "reading|error", event.Write},
		"both, in reading": {func(r *relay) { r.failed = both }, "good|!", "",
			"reading|writing|error", 0},
		"writing": {func(r *relay) { r.encode = failAfter(4) }, "", "goodbad", "writing|error", event.Read},
		"both, in writing": {func(r *relay) { r.encode, r.failed = failAfter(4), both }, "", "goodbad",
			"reading|writing|error", 0},
	} {
		t.Run(name, func(t *testing.T) {
			eachLayer(t, func(t *testing.T, opts bufferevent.LayerOptions) {
				base := newBase(t)
				r, far := relayOverPair(t, base, opts, c.prepare)
				var d diary
				d.keep(&r.bev)
				write(t, far, c.in)
				write(t, &r.bev, c.out)
				settle(t, base)
				want(t, "the last that is told", d[len(d)-1], c.want)
				want(t, "enabled", r.bev.Enabled(), c.enabled)
				if c.in != "" {
					want(t, "input", take(t, &r.bev), "good")
					want(t, "told before", d[0], "read")
				} else {
					want(t, "input there", take(t, far), "good")
				}
				d = nil
				write(t, far, "more|")
				settle(t, base)
				if c.enabled == event.Read {
					d.want(t, "read")
				} else {
					d.want(t)
				}
				calls := len(r.encoded)
				_, err := r.bev.WriteString("more")
				if c.enabled != event.Write {
					ok(t, r.bev.CloseWrite())
				}
				if c.enabled == event.Write {
					ok(t, err)
				} else if err == nil {
					t.Error("could write")
				}
				settle(t, base)
				want(t, "told of an error again", d.has(c.want), false)
				want(t, "output is encoded", len(r.encoded) > calls, c.enabled == event.Write)
			})
		})
	}
}

// What a transform says to the peer when it fails goes out before the user is told, who
// frees the bufferevent then.
func TestTheLastWordsOfATransform(t *testing.T) {
	eachLayer(t, func(t *testing.T, opts bufferevent.LayerOptions) {
		base := newBase(t)
		under, peer := newSocket(t, base, 0)
		r := newRelay(t, under, opts, func(r *relay) {
			r.decode = func(_, _ *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
				return errors.Join(r.below().Output().AddString("alert"), errGarbage)
			}
			r.failed = func(_ event.What, err error) (bufferevent.Events, error) {
				return bufferevent.EventReading | bufferevent.EventWriting | bufferevent.EventError, err
			}
		})
		r.open(t)
		ok(t, r.bev.Enable(event.Read))
		r.bev.SetCallbacks(nil, nil, func(b *bufferevent.Bufferevent, what bufferevent.Events) {
			want(t, "outcome", what.Outcome(), bufferevent.Failed)
			wantError(t, "error", b.Err(), errGarbage)
			b.Free()
		})
		peer.send("x")
		peer.expectEnd(base, "alert")
	})
}

// An error is reported after what was read before it, and waits until that was taken as
// far as the watermark demands.
func TestAnErrorBehindAFullInput(t *testing.T) {
	base := newBase(t)
	r, far := relayOverPair(t, base, 0, nil)
	var d diary
	d.keep(&r.bev)
	ok(t, r.bev.SetWatermark(event.Read, 0, 6))
	write(t, far, "one|two|!")
	settle(t, base)
	want(t, "input", contents(t, &r.bev), "onetwo")
	d.want(t, "read")
	ok(t, r.bev.Input().Drain(3))
	settle(t, base)
	want(t, "input", contents(t, &r.bev), "two")
	d.want(t, "reading|error")
	wantError(t, "error", r.bev.Err(), errGarbage)
}

func TestTheEndOfALayer(t *testing.T) {
	const eof = "reading|EOF"
	for name, c := range map[string]struct {
		send  string
		close bool // the stream below ends
		input string
		left  string // below
		want  []string
		err   error
	}{
		"below, after data":             {"one|two|", true, "onetwo", "", []string{"read", eof}, io.EOF},
		"below, and nothing else":       {"", true, "", "", []string{eof}, io.EOF},
		"below, in the middle":          {"one|tw", true, "one", "tw", []string{"read", "reading|error"}, errGarbage},
		"its own":                       {"one|end|", false, "one", "", []string{"read", eof}, io.EOF},
		"its own, before more":          {"one|end|more|", false, "one", "more|", []string{"read", eof}, io.EOF},
		"its own, before what is below": {"one|end|", true, "one", "", []string{"read", eof}, io.EOF},
		"its own, before an error":      {"one|end|!", true, "one", "!", []string{"read", eof}, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			for _, reads := range []string{"at once", "later"} {
				base := newBase(t)
				r, far := relayOverPair(t, base, 0, nil)
				var d diary
				d.keep(&r.bev)
				if reads == "later" {
					ok(t, r.bev.Disable(event.Read))
				}
				write(t, far, c.send)
				if c.close {
					ok(t, far.CloseWrite())
				}
				settle(t, base)
				if reads == "later" {
					d.want(t)
					ok(t, r.bev.Enable(event.Read))
					settle(t, base)
				}
				want(t, "the last that is told", d[len(d)-1], c.want[len(c.want)-1])
				want(t, "how much is told", len(d) >= len(c.want), true)
				want(t, "the end is told", strings.Count(strings.Join(d, " "), "reading"), 1)
				wantError(t, "error", r.bev.Err(), c.err)
				want(t, "input", take(t, &r.bev), c.input)
				want(t, "left below", contents(t, r.below()), c.left)
				d = nil
				write(t, &r.bev, "the other way")
				settle(t, base)
				want(t, "input there", take(t, far), "the other way|")
				d.want(t, "write")
			}
		})
	}
}

// After a stream's own end what follows below stays there, however often the user asks to
// read.
func TestNothingIsReadAfterTheEnd(t *testing.T) {
	base := newBase(t)
	r, far := relayOverPair(t, base, 0, nil)
	write(t, far, "end|")
	settle(t, base)
	calls := len(r.decoded)
	var d diary
	d.keep(&r.bev)
	ok(t, r.bev.Enable(event.Read))
	write(t, far, "more|")
	ok(t, far.CloseWrite())
	settle(t, base)
	d.want(t)
	r.below().TriggerEvent(bufferevent.EventReading|bufferevent.EventEOF, io.EOF, 0)
	ok(t, r.bev.Enable(event.Read))
	settle(t, base)
	d.want(t)
	want(t, "calls of Decode", len(r.decoded), calls)
	want(t, "input below", r.below().Input().Len(), 0)
	input, output := r.layer.Ended()
	want(t, "ended", [2]bool{input, output}, [2]bool{true, false})
}

// The end waits while there is no room for what comes before it.
func TestTheEndBehindAFullInput(t *testing.T) {
	base := newBase(t)
	r, far := relayOverPair(t, base, 0, nil)
	var d diary
	d.keep(&r.bev)
	ok(t, r.bev.SetWatermark(event.Read, 0, 3))
	write(t, far, "one|two|six|")
	ok(t, far.CloseWrite())
	for _, word := range []string{"one", "two", "six"} {
		settle(t, base)
		want(t, "the end", d.has("reading|EOF"), false)
		want(t, "input", take(t, &r.bev), word)
	}
	settle(t, base)
	want(t, "the end", d[len(d)-1], "reading|EOF")
}

// An end that comes with data waits as well.
func TestTheEndWithDataThatFillsTheInput(t *testing.T) {
	base := newBase(t)
	r, far := relayOverPair(t, base, 0, func(r *relay) {
		r.decode = func(src, dst *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
			if err := dst.AddBuffer(src); err != nil {
				return err
			}
			return io.EOF
		}
	})
	var d diary
	d.keep(&r.bev)
	ok(t, r.bev.SetWatermark(event.Read, 0, 4))
	write(t, far, "last")
	settle(t, base)
	d.want(t, "read")
	want(t, "input", take(t, &r.bev), "last")
	settle(t, base)
	d.want(t, "reading|EOF")
	want(t, "enabled", r.bev.Enabled(), event.Write)
}

// Decode that has to answer waits while the peer does not take the answers, and what
// waits below is bounded by the watermark there.
func TestDecodeThatWaitsForAnswersToGo(t *testing.T) {
	base := newBase(t)
	r, far := relayOverPair(t, base, 0, func(r *relay) {
		r.decode = func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
			if r.below().Output().Len() >= 3 {
				return bufferevent.ErrBlocked
			}
			if err := byBar(src, dst, limit, mode); err != nil {
				return err
			}
			return r.below().Output().AddString("ack")
		}
	})
	ok(t, far.Disable(event.Read))
	ok(t, r.below().SetWatermark(event.Read, 0, 8))
	write(t, far, strings.Repeat("w|", 20))
	settle(t, base)
	want(t, "input", r.bev.Input().Len(), 1)
	if n := r.below().Input().Len(); n > 8 {
		t.Errorf("%d bytes wait below", n)
	}
	calls := len(r.decoded)
	settle(t, base)
	want(t, "calls while nothing moves", len(r.decoded), calls)
	ok(t, far.Enable(event.Read))
	evtest.Await(t, base, "all words", func() bool { return r.bev.Input().Len() == 20 })
	settle(t, base)
	want(t, "answers", take(t, far), strings.Repeat("ack", 20))
}

// A callback of a buffer that disables reading stops it between two words, and nothing is
// lost.
func TestPausedWhileDecoding(t *testing.T) {
	base := newBase(t)
	r, far := relayOverPair(t, base, 0, nil)
	r.bev.Input().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
		if info.Added > 0 {
			ok(t, r.bev.Disable(event.Read))
		}
	})
	var d diary
	d.keep(&r.bev)
	write(t, far, "one|two|")
	for _, word := range []string{"one", "two"} {
		settle(t, base)
		d.want(t, "read")
		want(t, "input", take(t, &r.bev), word)
		ok(t, r.bev.Enable(event.Read))
	}
	ok(t, far.CloseWrite())
	settle(t, base)
	d.want(t, "reading|EOF")
}

// What arrives, or makes room, while Decode runs is not missed.
func TestWhatComesWhileDecoding(t *testing.T) {
	t.Run("more input", func(t *testing.T) {
		base := newBase(t)
		under := newTape(t, base, 0)
		more := "wo|"
		r := newRelay(t, &under.bev, 0, func(r *relay) {
			r.decode = func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
				err := byBar(src, dst, limit, mode)
				if err == bufferevent.ErrNeedMore && more != "" {
					p := more
					more = ""
					under.feed(t, p) // after it has looked
				}
				return err
			}
		})
		r.open(t)
		ok(t, r.bev.Enable(event.Read))
		under.feed(t, "one|t")
		want(t, "input", contents(t, &r.bev), "onetwo")
		want(t, "input below", under.bev.Input().Len(), 0)
	})
	t.Run("as much as it has taken", func(t *testing.T) {
		base := newBase(t)
		under := newTape(t, base, 0)
		kept, more := "", "o|"
		r := newRelay(t, &under.bev, 0, func(r *relay) {
			r.decode = func(src, dst *evbuffer.Buffer, _ int, _ bufferevent.FlushMode) error {
				kept += take(t, &under.bev)
				if p := more; p != "" {
					more = ""
					under.feed(t, p)
				}
				if word, ok := strings.CutSuffix(kept, "|"); ok {
					return dst.AddString(word)
				}
				return bufferevent.ErrNeedMore
			}
		})
		r.open(t)
		ok(t, r.bev.Enable(event.Read))
		under.feed(t, "tw")
		want(t, "input", contents(t, &r.bev), "two")
	})
	t.Run("room for what it has kept", func(t *testing.T) {
		base := newBase(t)
		r, far := relayOverPair(t, base, 0, func(r *relay) { r.decode = tripled() })
		taken := 0
		r.bev.Input().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
			if info.Added > 0 {
				taken += len(take(t, &r.bev))
			}
		})
		ok(t, r.bev.SetWatermark(event.Read, 0, 10))
		write(t, far, "0123456789")
		settle(t, base)
		want(t, "taken", taken, 30)
	})
	t.Run("room", func(t *testing.T) {
		base := newBase(t)
		r, far := relayOverPair(t, base, 0, nil)
		taken := ""
		r.bev.Input().AddCallback(func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
			if info.Added > 0 {
				taken += take(t, &r.bev)
			}
		})
		ok(t, r.bev.SetWatermark(event.Read, 0, 3))
		write(t, far, "one|two|six|")
		settle(t, base)
		want(t, "taken", taken, "onetwosix")
	})
}

// Output goes below as far as there is room there, and the rest when there is more; the
// end after that.
func TestOutputOfALayerWaitsForRoomBelow(t *testing.T) {
	eachLayer(t, func(t *testing.T, opts bufferevent.LayerOptions) {
		base := newBase(t)
		r, far := relayOverPair(t, base, opts, func(r *relay) {
			r.encode = func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
				if limit < 0 {
					limit = src.Len()
				}
				if _, err := src.RemoveBuffer(dst, limit); err != nil || mode != bufferevent.ModeFinished {
					return err
				}
				return dst.AddString(".")
			}
		})
		ok(t, far.Disable(event.Read))
		ok(t, far.SetWatermark(event.Read, 0, 4))
		ok(t, r.below().SetWatermark(event.Write, 0, 4))
		write(t, &r.bev, "0123456789")
		ok(t, r.bev.CloseWrite())
		settle(t, base)
		want(t, "output below", r.below().Output().Len(), 4)
		want(t, "output", r.bev.Output().Len(), 6)
		ok(t, far.Enable(event.Read))
		got := ""
		for range 20 {
			settle(t, base)
			if n := r.below().Output().Len(); n > 4 {
				t.Fatalf("%d bytes below", n)
			}
			got += take(t, far)
		}
		want(t, "what came", got, "0123456789.")
	})
}

// With LayerBatch what is written in one iteration is encoded together.
func TestLayersThatEncodeAtTheEndOfTheIteration(t *testing.T) {
	for opts, calls := range map[bufferevent.LayerOptions]string{
		0: "one|two|", bufferevent.LayerBatch: "onetwo|",
	} {
		base := newBase(t)
		r, far := relayOverPair(t, base, opts, nil)
		ok(t, base.Post(func() {
			write(t, &r.bev, "one")
			write(t, &r.bev, "two")
		}))
		settle(t, base)
		want(t, "input there", take(t, far), calls)
		write(t, &r.bev, "last")
		ok(t, r.bev.CloseWrite()) // which encodes at once
		want(t, "output", r.bev.Output().Len(), 0)
		settle(t, base)
		want(t, "input there", take(t, far), "last|end|")
	}
}

// With LayerReportSent the write callback runs when the output has left what is below, so
// that it may free the bufferevent.
func TestLayersThatReportWhatIsSent(t *testing.T) {
	for opts, early := range map[bufferevent.LayerOptions]bool{
		0: true, bufferevent.LayerReportSent: false, bufferevent.LayerReportSent | bufferevent.LayerBatch: false,
	} {
		base := newBase(t)
		r, far := relayOverPair(t, base, opts, nil)
		var d diary
		d.keep(&r.bev)
		ok(t, far.Disable(event.Read))
		write(t, &r.bev, "word")
		settle(t, base)
		want(t, "output", r.bev.Output().Len(), 0)
		want(t, "unsent", r.bev.Unsent(), 5)
		want(t, "told while it waits below", d.has("write"), early)
		ok(t, far.Enable(event.Read))
		settle(t, base)
		want(t, "input there", contents(t, far), "word|")
		d.want(t, "write")
		ok(t, r.bev.CloseWrite())
		settle(t, base)
		d.want(t, "write") // so has what says that it has ended
	}
}

// The low watermark counts what waits below, too; what is left then is reported when it
// has gone.
func TestTheLowWatermarkOfWhatIsSent(t *testing.T) {
	base := newBase(t)
	r, far := relayOverPair(t, base, bufferevent.LayerReportSent, nil)
	var d diary
	d.keep(&r.bev)
	ok(t, far.Disable(event.Read))
	ok(t, r.bev.SetWatermark(event.Write, 6, 0))
	r.layer.SetBounds(0, 100) // so that what is below tells
	write(t, &r.bev, "12345678")
	d.want(t)
	ok(t, far.SetWatermark(event.Read, 0, 4))
	ok(t, far.Enable(event.Read))
	settle(t, base)
	want(t, "unsent", r.bev.Unsent(), 5)
	d.want(t, "write")
	for r.bev.Unsent() > 0 {
		take(t, far)
		settle(t, base)
	}
	want(t, "told at the end", d.has("write"), true)
}

// What a filter below has passed on at once is reported without a callback from there.
func TestReportingWhatIsSentOverAFilter(t *testing.T) {
	eachLayer(t, func(t *testing.T, opts bufferevent.LayerOptions) {
		base := newBase(t)
		f, far := filterOverPair(t, base, nil, nil, 0)
		r := newRelay(t, f, opts, nil)
		r.open(t)
		settle(t, base)
		var d diary
		d.keep(&r.bev)
		ok(t, r.bev.Disable(event.Write))
		write(t, &r.bev, "word")
		_, err := r.bev.Flush(event.Write, bufferevent.ModeFlush)
		ok(t, err)
		settle(t, base)
		want(t, "input there", take(t, far), "word|")
		d.want(t, "write")
		ok(t, r.bev.CloseWrite())
		settle(t, base)
		want(t, "input there", take(t, far), "end|")
		d.want(t, "write")
	})
}

// LayerEndsBelow hands the end down, others keep the stream below.
func TestWhatEndsBelowALayer(t *testing.T) {
	for opts, ends := range map[bufferevent.LayerOptions]bool{0: false, bufferevent.LayerEndsBelow: true} {
		base := newBase(t)
		r, far := relayOverPair(t, base, opts, nil)
		var d diary
		d.keep(far)
		write(t, &r.bev, "word")
		ok(t, r.bev.CloseWrite())
		settle(t, base)
		want(t, "input there", take(t, far), "word|end|")
		want(t, "the end there", d.has("reading|EOF"), ends)
	}
}

// Free in any function of the transform and in any callback: nothing runs after that.
func TestFreeInALayer(t *testing.T) {
	for _, place := range []string{"decode", "encode", "failed", "read", "write", "event", "a callback of the input", "a callback below"} {
		t.Run(place, func(t *testing.T) {
			eachLayer(t, func(t *testing.T, opts bufferevent.LayerOptions) {
				base := newBase(t)
				freed := 0
				var r *relay
				free := func(here string) {
					want(t, "what runs after Free", fmt.Sprint(freed, here), fmt.Sprint(0, here))
					if here == place {
						freed++
						r.bev.Free()
					}
				}
				var far *bufferevent.Bufferevent
				r, far = relayOverPair(t, base, opts, func(r *relay) {
					r.decode = func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
						free("decode")
						return byBar(src, dst, limit, mode)
					}
					r.encode = func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
						free("encode")
						return withBar(src, dst, limit, mode)
					}
					r.failed = func(_ event.What, err error) (bufferevent.Events, error) {
						free("failed")
						return bufferevent.EventReading | bufferevent.EventError, err
					}
				})
				r.bev.SetCallbacks(
					func(*bufferevent.Bufferevent) { free("read") },
					func(*bufferevent.Bufferevent) { free("write") },
					func(*bufferevent.Bufferevent, bufferevent.Events) { free("event") })
				added := func(here string) func(*evbuffer.CallbackEntry, evbuffer.CallbackInfo) {
					return func(_ *evbuffer.CallbackEntry, info evbuffer.CallbackInfo) {
						if info.Added > 0 && here == place && freed == 0 {
							free(here)
						}
					}
				}
				r.bev.Input().AddCallback(added("a callback of the input"))
				r.below().Output().AddCallback(added("a callback below"))
				switch place {
				case "encode", "write", "a callback below":
					write(t, &r.bev, "out")
				case "failed", "event":
					write(t, far, "!")
				default:
					write(t, far, "one|two|")
				}
				settle(t, base)
				want(t, "freed", freed, 1)
				want(t, "what is below is gone", far.Partner() == nil, true)
			})
		})
	}
}

// After writing has failed below nothing is encoded any more, and it is told once.
func TestWritingThatFailsBelowALayer(t *testing.T) {
	eachLayer(t, func(t *testing.T, opts bufferevent.LayerOptions) {
		base := newBase(t)
		r, far := relayOverPair(t, base, opts, nil)
		ok(t, far.Disable(event.Read))
		ok(t, r.below().SetWatermark(event.Write, 0, 1))
		write(t, &r.bev, "fills")
		settle(t, base)
		write(t, &r.bev, "waits")
		settle(t, base)
		var d diary
		d.keep(&r.bev)
		r.below().TriggerEvent(bufferevent.EventWriting|bufferevent.EventError, errReset, 0)
		settle(t, base)
		d.want(t, "writing|error")
		wantError(t, "error", r.bev.WriteErr(), errReset)
		calls := len(r.encoded)
		ok(t, far.Enable(event.Read))
		settle(t, base)
		want(t, "input there", contents(t, far), "fills|")
		want(t, "calls of Encode", len(r.encoded), calls)
		want(t, "told again", d.has("writing|error"), false)
	})
}

// A flush that finishes ends the stream below only with LayerEndsBelow.
func TestFlushOfALayer(t *testing.T) {
	for opts, ends := range map[bufferevent.LayerOptions]bool{0: false, bufferevent.LayerEndsBelow: true} {
		base := newBase(t)
		r, far := relayOverPair(t, base, opts, nil)
		var d diary
		d.keep(far)
		moved, err := r.bev.Flush(event.Write, bufferevent.ModeFinished)
		ok(t, err)
		want(t, "moved", moved, true)
		settle(t, base)
		want(t, "input there", take(t, far), "end|")
		want(t, "the end there", d.has("reading|EOF"), ends)
	}
}

// Output that waits for Open does not wait for the peer: the timeout for writing runs when
// that is the case.
func TestTheWriteTimeoutOfALayer(t *testing.T) {
	base := newBase(t)
	under, far := halves(t, base, 0)
	r := newRelay(t, under, 0, nil)
	ok(t, r.bev.SetTimeouts(0, time.Hour))
	ok(t, under.SetWatermark(event.Write, 0, 1))
	write(t, &r.bev, "early")
	ok(t, r.bev.Enable(event.Write))
	running := func() int {
		_, w := bufferevent.TimersRunning(&r.bev)
		return w
	}
	want(t, "timers before Open", running(), 0)
	r.open(t)
	write(t, &r.bev, "waits")
	settle(t, base)
	want(t, "timers while it is full below", running(), 1)
	ok(t, far.Enable(event.Read))
	settle(t, base)
	want(t, "timers when all is written", running(), 0)
	want(t, "input there", take(t, far), "early|waits|")
}

// What has timed out below goes on there when it is enabled above.
func TestATimeoutBelowALayer(t *testing.T) {
	base := newBase(t)
	r, far := relayOverPair(t, base, 0, nil)
	var d diary
	d.keep(&r.bev)
	ok(t, r.below().SetTimeouts(time.Millisecond, 0))
	d.await(t, base, "reading|timeout")
	want(t, "enabled", r.bev.Enabled(), event.Write)
	ok(t, r.below().SetTimeouts(0, 0))
	ok(t, r.bev.Enable(event.Read))
	write(t, far, "on|")
	settle(t, base)
	want(t, "input", take(t, &r.bev), "on")
}

// A layer, and what it stands on, belongs to its base.
func TestALayerIsNotMovedToAnotherBase(t *testing.T) {
	base, other := newBase(t), newBase(t)
	under, peer := newSocket(t, base, 0)
	r := newRelay(t, under, 0, nil)
	r.open(t)
	wantError(t, "move", r.bev.SetBase(other), errors.ErrUnsupported)
	want(t, "base", r.bev.Base(), base)
	ok(t, r.bev.Enable(event.Read))
	peer.send("word|")
	evtest.Await(t, base, "input", func() bool { return r.bev.Input().Len() == 4 })
}

// A new descriptor begins anew, whatever has happened to the old one.
func TestALayerWithANewDescriptor(t *testing.T) {
	base := newBase(t)
	under, peer := newSocket(t, base, 0)
	r := newRelay(t, under, bufferevent.LayerEndsBelow, nil)
	r.open(t)
	ok(t, r.bev.Enable(event.Read))
	ok(t, r.bev.CloseWrite())
	peer.expectEnd(base, "end|")
	peer.send("!")
	evtest.Await(t, base, "the error", func() bool { return r.bev.ReadErr() != nil || r.bev.Enabled() == event.Write })
	fd := r.bev.FD()
	ok(t, r.bev.SetFD(-1))
	want(t, "old descriptor", fd >= 0, true)
	owned(t, fd)
	next, other := newSocket(t, base, 0)
	ok(t, r.bev.SetFD(next.FD()))
	ok(t, next.SetFD(-1))
	ok(t, under.Input().Drain(under.Input().Len()))
	want(t, "enabled below", under.Enabled(), both)
	ok(t, r.bev.Enable(event.Read))
	write(t, &r.bev, "again")
	other.expect(base, "again|")
	other.send("word|")
	evtest.Await(t, base, "input", func() bool { return r.bev.Input().Len() == 4 })
}

// A panic of the transform leaves the layer as if it had not been called.
func TestAPanicInATransform(t *testing.T) {
	bad := true
	base := newBase(t)
	r, far := relayOverPair(t, base, 0, func(r *relay) {
		r.decode = func(src, dst *evbuffer.Buffer, limit int, mode bufferevent.FlushMode) error {
			if bad {
				bad = false
				panic("decode")
			}
			return byBar(src, dst, limit, mode)
		}
	})
	write(t, far, "one|")
	want(t, "panics", panics(func() { settle(t, base) }), true)
	write(t, far, "two|")
	settle(t, base)
	want(t, "input", take(t, &r.bev), "onetwo")
	wantError(t, "input", r.bev.Input().AddString("x"), evbuffer.ErrFrozen)
}
