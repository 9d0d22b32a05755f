package evrpc_test

import (
	"errors"
	"fmt"

	"github.com/go-libevent/libevent/core/evbuffer"
	"github.com/go-libevent/libevent/extra/evtag"
)

// A Text is a message like those that are generated: a text that has to be set, and a number
// that need not.
type Text struct {
	text    string
	n       uint32
	hasText bool
	hasN    bool
}

const textTag, numberTag = 1, 2

func textOf(s string) *Text {
	t := new(Text)
	t.SetText(s)
	return t
}

func (t *Text) Text() string     { return t.text }
func (t *Text) SetText(s string) { t.text, t.hasText = s, true }
func (t *Text) N() uint32        { return t.n }
func (t *Text) SetN(n uint32)    { t.n, t.hasN = n, true }

func (t *Text) Reset() { *t = Text{} }

func (t *Text) Complete() error {
	if !t.hasText {
		return errMissing
	}
	return nil
}

var errMissing = errors.New("Text: text is missing")

func (t *Text) AppendTo(out *evbuffer.Buffer) error {
	if err := t.Complete(); err != nil {
		return err
	}
	if err := evtag.MarshalString(out, textTag, t.text); err != nil {
		return err
	}
	if t.hasN {
		return evtag.MarshalInt(out, numberTag, t.n)
	}
	return nil
}

func (t *Text) Unmarshal(in *evbuffer.Buffer) error {
	err := t.read(in)
	if err == nil {
		err = t.Complete()
	}
	if err != nil {
		t.Reset()
		in.Drain(in.Len())
		return fmt.Errorf("Text: %w", err)
	}
	return nil
}

func (t *Text) read(in *evbuffer.Buffer) error {
	for in.Len() > 0 {
		tag, _, err := evtag.Peek(in)
		switch {
		case err != nil:
			return err
		case tag == textTag && !t.hasText:
			t.text, err = evtag.UnmarshalString(in, textTag)
			t.hasText = true
		case tag == numberTag && !t.hasN:
			t.n, err = evtag.UnmarshalInt(in, numberTag)
			t.hasN = true
		default:
			err = fmt.Errorf("tag %d", tag)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// An Optional is a message without anything that has to be set.
type Optional struct{ n uint32 }

func (o *Optional) Reset()          { o.n = 0 }
func (o *Optional) Complete() error { return nil }
func (o *Optional) AppendTo(out *evbuffer.Buffer) error {
	if o.n == 0 {
		return nil
	}
	return evtag.MarshalInt(out, numberTag, o.n)
}

func (o *Optional) Unmarshal(in *evbuffer.Buffer) (err error) {
	if in.Len() == 0 {
		return nil
	}
	o.n, err = evtag.UnmarshalInt(in, numberTag)
	return err
}
