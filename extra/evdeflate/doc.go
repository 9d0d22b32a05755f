// Package evdeflate compresses and inflates streams that come in pieces, on evbuffers:
// deflate as it is, zlib and gzip (RFC 1951, 1950 and 1952), with nothing waiting for the
// rest of the data. Filters, WebSockets and HTTP use it; package evfilter makes
// bufferevents of it.
//
// # Inflating
//
//	d, err := evdeflate.NewInflater(&evdeflate.InflateConfig{Format: evdeflate.Gzip})
//	...
//	err = d.Inflate(src, dst, 64<<10) // whatever has come, and no more than 64 kB of it
//
// An [Inflater] takes what has come, however it is cut, gives what that becomes, as much as
// it is allowed to, and goes on from there the next time. [Inflater.Pending] says whether
// more is to be had without more input; [io.EOF] is the end of the stream, and
// [Inflater.Finish] tells whether that has come when nothing follows any more. Data that
// come from anywhere can neither crash it, nor have it allocate more than a window of
// 32 kB and the trees of a block. How large they become is bounded by
// [InflateConfig.MaxSize] and MaxRatio.
//
// # Deflating
//
//	d, err := evdeflate.NewDeflater(&evdeflate.DeflateConfig{Format: evdeflate.Gzip})
//	...
//	err = d.Deflate(src, dst, -1, evdeflate.SyncFlush)
//	...
//	err = d.Deflate(src, dst, -1, evdeflate.Finish)
//
// A [Deflater] may keep what it has got to make more of it, until it is told by a [Flush]
// that the peer waits for it.
//
// # Memory
//
// An Inflater has a window that grows with what has come, from 1 kB to 32 kB or
// [InflateConfig.WindowBits], and trees while it is within a block that has some. It
// has neither before the beginning and after the end of a stream. A Deflater borrows its
// compressor with the first byte after a flush, and gives it back with the next flush. What
// that costs is that matches do not refer to what was before the flush, except within the
// last [DeflateConfig.Context] bytes. Compressors, windows and trees are in pools, which all
// streams have in common and the garbage collector empties.
//
// # WebSocket
//
// Messages of permessage-deflate (RFC 7692) end with [MessageFlush], and are inflated by
// Inflate, with [InflateConfig.Messages], and then [Inflater.FlushTail]. Without context takeover both sides call Reset
// between messages; with it, Context is the size of the window. WindowBits is what was
// agreed on.
//
// # Goroutines
//
// An Inflater or a Deflater may be used by one goroutine at a time, where the buffers may be.
//
// # Files
//
//	format.go          what is around the data: headers, checksums
//	huffman.go         trees, as tables
//	window.go          what matches refer to
//	inflate.go         Inflater: pieces, limits, ends
//	inflate_block.go   blocks, bit by bit
//	inflate_symbol.go  what is in a block: the loop that counts
//	deflate.go         Deflater: flushes, contexts
//	writer.go          compressors, which Deflaters borrow
//	errors.go          errors
package evdeflate
