// Package evfilter has bufferevents that stand over any other: one that compresses and
// inflates, by gzip, zlib or raw deflate, and one that traces what passes.
//
// # Compression
//
//	b, err := evfilter.NewCompressed(under, evfilter.Gzip(), bufferevent.CloseOnFree)
//
// What is written to b goes out compressed, and what b reads is inflated. All that is written
// in an iteration of the loop is compressed together at its end; with
// [CompressConfig.Manual], by Bufferevent.Flush: ModeFlush lets the peer read all
// that was written before (a sync flush), and ModeFinished ends the compressed stream.
// CloseWrite and FreeWhenWritten end it, too. [CompressConfig] has the settings of
// evdeflate for each direction, among them the limits that end a bomb; watermarks hold
// it back, as any stream that comes too fast.
//
// The peer may be a program that knows nothing of streams: what a compressed bufferevent
// sends is what gzip writes to a file.
//
// # Tracing
//
//	f, err := os.Create("trace.pcapng")
//	...
//	recorder := evfilter.NewPcapngRecorder(f)
//	b, err := evfilter.NewTraced(under, recorder, bufferevent.CloseOnFree)
//
// [NewTraced] passes everything on, and tells a [Recorder]: a [LogRecorder] writes lines to
// a slog.Logger, a [HexRecorder] a dump, and a [PcapngRecorder] a file for
// Wireshark, in which there is a TCP connection for each stream. Over TLS it has the
// data in clear, below TLS the records.
//
// # Goroutines
//
// The bufferevents follow the rules of package bufferevent, with ThreadSafe and without.
// A recorder may serve the streams of several loops.
//
// # Files
//
//	compress.go       NewCompressed
//	trace.go          NewTraced, Recorder
//	record_text.go    recorders for people: a log, hexadecimal digits
//	record_pcapng.go  a recorder for Wireshark
//	errors.go         errors
package evfilter
