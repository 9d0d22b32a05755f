package evtag

import "github.com/go-libevent/libevent/core/evbuffer"

// lax has the default rules.
var lax Decoder

// Unmarshal is Decoder.Unmarshal by the default rules (evtag_unmarshal).
func Unmarshal(src, dst *evbuffer.Buffer) (tag uint32, length int, err error) {
	return lax.Unmarshal(src, dst)
}

// UnmarshalHeader is Decoder.UnmarshalHeader by the default rules
// (evtag_unmarshal_header).
func UnmarshalHeader(b *evbuffer.Buffer) (tag uint32, length int, err error) {
	return lax.UnmarshalHeader(b)
}

// UnmarshalInt is Decoder.UnmarshalInt by the default rules (evtag_unmarshal_int).
func UnmarshalInt(b *evbuffer.Buffer, tag uint32) (uint32, error) { return lax.UnmarshalInt(b, tag) }

// UnmarshalInt64 is Decoder.UnmarshalInt64 by the default rules
// (evtag_unmarshal_int64).
func UnmarshalInt64(b *evbuffer.Buffer, tag uint32) (uint64, error) {
	return lax.UnmarshalInt64(b, tag)
}

// UnmarshalTimeval is Decoder.UnmarshalTimeval by the default rules
// (evtag_unmarshal_timeval).
func UnmarshalTimeval(b *evbuffer.Buffer, tag uint32) (Timeval, error) {
	return lax.UnmarshalTimeval(b, tag)
}

// UnmarshalString is Decoder.UnmarshalString by the default rules
// (evtag_unmarshal_string).
func UnmarshalString(b *evbuffer.Buffer, tag uint32) (string, error) {
	return lax.UnmarshalString(b, tag)
}

// UnmarshalFixed is Decoder.UnmarshalFixed by the default rules
// (evtag_unmarshal_fixed).
func UnmarshalFixed(b *evbuffer.Buffer, tag uint32, p []byte) error {
	return lax.UnmarshalFixed(b, tag, p)
}

// Consume is Decoder.Consume by the default rules (evtag_consume).
func Consume(b *evbuffer.Buffer) error { return lax.Consume(b) }

// Peek is Decoder.Peek by the default rules (evtag_peek).
func Peek(b *evbuffer.Buffer) (tag uint32, size int, err error) { return lax.Peek(b) }

// PeekLength is Decoder.PeekLength by the default rules (evtag_peek_length).
func PeekLength(b *evbuffer.Buffer) (int64, error) { return lax.PeekLength(b) }

// PayloadLength is Decoder.PayloadLength by the default rules (evtag_payload_length).
func PayloadLength(b *evbuffer.Buffer) (int, error) { return lax.PayloadLength(b) }

// DecodeInt is Decoder.DecodeInt by the default rules.
func DecodeInt(b *evbuffer.Buffer) (uint32, error) { return lax.DecodeInt(b) }

// DecodeInt64 is Decoder.DecodeInt64 by the default rules.
func DecodeInt64(b *evbuffer.Buffer) (uint64, error) { return lax.DecodeInt64(b) }
