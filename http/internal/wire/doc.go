// Package wire reads and writes HTTP/1.1 messages as they go over the wire
// (RFC 9112). It knows no connections: it is fed slices of whatever has arrived
// and says how many bytes of them it has taken, so that heads and bodies may
// come in any fragmentation.
//
// # Reading
//
// A [RequestHead] or [ResponseHead] is reused for message after message, and
// keeps its memory; a typical head is parsed without allocating, in one pass
// over the piece it came in.
//
//	var h wire.RequestHead
//	for {
//		n, done, err := h.Parse(piece, limits)
//		... drain n bytes ...
//		if err != nil { answer wire.StatusOf(err) and close }
//		if done { break }
//	}
//	... h.Method(), h.Target(), h.Header.Get("Accept"), h.Framing ...
//	h.Reset()
//
// What the head says is in the [message.Head] that both embed, for what deals
// with messages and not with bytes. How the body is delimited is [Framing], decided
// with the head. A
// [ChunkDecoder] takes chunked bodies apart without touching their data: it
// consumes only what is between the pieces of data, and says how many bytes of
// data follow.
//
// # Strictness
//
// A message that two implementations could read differently is refused: lines
// that do not end in CR LF, other control characters, spaces before colons,
// folded lines in requests, more than one Content-Length or Host, lengths that
// are not plain numbers, Content-Length together with Transfer-Encoding, any
// transfer coding but chunked, and all that RFC 9112 tells recipients to
// refuse. The tables in testdata say what becomes of several hundred messages,
// here and elsewhere. An [Error] says what was wrong and where; [StatusOf]
// returns the status code to answer with.
//
// Nothing grows without bound: see [message.Limits].
//
// # Writing
//
// [AppendRequestLine], [AppendStatusLine], [message.Fields.AppendTo],
// [AppendChunkSize] and [AppendLastChunk] append to a slice. Names and values
// are checked when they are added to [message.Fields], so that no value can end a line
// and begin another.
//
// Nothing in this package may be used by two goroutines at once.
//
// # Files
//
//	head.go      what parsing the heads of requests and responses has in common
//	request.go   RequestHead
//	target.go    the forms of request targets, hosts and ports
//	response.go  ResponseHead
//	framing.go   how a body is delimited
//	chunk.go     ChunkDecoder, for chunked bodies
//	write.go     writing heads and chunks
//	bytes.go     checks of values and targets, eight bytes at a time
//	errors.go    reasons to refuse a message, and their status codes
package wire
