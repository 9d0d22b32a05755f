// Package evtag writes and reads tagged data on evbuffers: records with a tag, a
// length and a payload, which is bytes, a number, a time, or more records. It is
// what libevent has in event2/tag.h, byte for byte, and what evrpc sends.
//
// # Records
//
//	var b evbuffer.Buffer
//	err := evtag.MarshalString(&b, 40, "Hello") // 28 05 48 65 6c 6c 6f
//	s, err := evtag.UnmarshalString(&b, 40)
//
// A tag is a number of 32 bits that says what a record means. It is written in
// groups of seven bits, the lowest first, the length and numbers in nibbles, the
// lowest first (see [AppendTag] and [AppendInt]).
//
// [Marshal] and its siblings append a record to a buffer, [Unmarshal] and its
// siblings take one off the front. [MarshalBuffer] and [Unmarshal] move payloads
// without copying them. [Peek], [PeekLength] and [PayloadLength] take nothing.
//
// # From a stream
//
// [ErrIncomplete] says that there is only a part of a record yet. Other errors do
// not go away when more comes. An operation that fails has changed nothing.
//
// # Messages
//
// A [Reader] goes through the records in a buffer, and into those that consist of
// records, without taking any; Drain takes what was read when the message has
// turned out to be good. To write nested records without a copy, tell their length
// by [SizeRecord], then append [MarshalHeader] and the records themselves.
//
// Messages that package evrpcgen generates code for are decoded by a [Parser], which has
// limits for them ([ParserConfig]), and written at once to space from [Reserve]. What is
// wrong with one is a [FieldError].
//
// # What is accepted
//
// As C does, the functions of the package take numbers in more bytes than they need,
// any padding, and payloads that go on after their number. A [Decoder] can be strict
// about that, and limits lengths and depth.
//
// # Goroutines
//
// Operations on a buffer may be called where others on it may. A lock of
// the buffer is held by each operation, except those on two buffers; a Reader does not
// hold it between calls. Goroutines that take from one buffer had better hold its
// lock over whole messages.
//
// # Coming from C
//
//   - Nothing is consumed by an operation that fails. In C the header may be gone.
//   - Strings may have NULs in them, at which C ends them.
//   - A payload of more than 2^31-1 bytes is an error also for PayloadLength and
//     PeekLength, and when it is to be written.
//   - Payloads are moved, where C copies them.
//   - There is no evtag_init.
//
// # Files
//
//	number.go     how tags and numbers are written
//	timeval.go    times
//	marshal.go    appending records
//	decoder.go    rules for decoding
//	reader.go     reading records without taking them
//	parser.go     decoding messages field by field
//	message.go    writing messages, and what is wrong with them
//	unmarshal.go  taking records off a buffer
//	lax.go        the same by the default rules
//	bytes.go      memory for payloads
//	errors.go     errors
package evtag
