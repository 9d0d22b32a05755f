// Package evbuffer has byte queues for network programs: data is added at the
// back, taken from the front, and moved from queue to queue without being
// copied. It is libevent's evbuffer, in Go, with libevent's names.
//
// # A buffer
//
// A [Buffer] is usable by value; its zero value is empty. It keeps its bytes in
// chunks, which come from pools and go back as soon as they are drained, so an
// empty buffer owns no memory, and a busy one allocates none in the long run. It
// never has much more memory than data: at most twice the bytes that are its own,
// 1 kB for each piece of memory that cannot be put together with others, and one
// chunk of 64 kB. Memory that was added by reference counts for its owner.
//
//	var b evbuffer.Buffer
//	b.AddString("hello, ")
//	b.Printf("%d worlds\r\n", 3)
//	line, err := b.ReadLine(evbuffer.EOLCRLF) // "hello, 3 worlds"
//
// [Buffer.Add], [Buffer.Prepend] and their siblings copy bytes in;
// [Buffer.Remove] copies them out, [Buffer.CopyOut] too but leaves them,
// [Buffer.Drain] drops them. A Buffer is also an io.Reader, Writer, ReaderFrom,
// WriterTo, ByteReader, ByteWriter and StringWriter.
//
// # Moving without copying
//
// [Buffer.AddBuffer] and [Buffer.PrependBuffer] move everything from one buffer
// to another, [Buffer.RemoveBuffer] a number of bytes; a gigabyte moves as fast
// as a kilobyte. [Buffer.AddReference] appends the caller's memory itself, and
// calls a function when it is not needed any more, exactly once, however the
// data has left. [Buffer.AddBufferReference] lets a buffer share the data of
// another, to send one message to many.
//
// [Buffer.AddFile] appends a file, or a part of one. With the flag [DrainsToFD],
// which suits buffers that are written to sockets, it stays on disk until
// sendfile sends it, or until something looks at it; otherwise it is mapped or
// read at once. A [FileSegment] lets many buffers refer to one file.
//
// # Looking inside
//
// [Buffer.Search], [Buffer.SearchRange] and [Buffer.SearchEOL] find things, from
// one position, a [Ptr], to another. [Buffer.ReadLine] takes a line out, in five
// styles; [Buffer.AppendLine] does it without allocating. [Buffer.Pullup] brings
// the first bytes together in one slice and returns that; [Buffer.Peek] returns
// slices of the data where it lies, and [Buffer.Pieces] is for range. Slices
// of a buffer's memory are valid until its next change. Then the memory may hold
// something else or, if a file was mapped there, not exist at all. They have no
// capacity beyond their length, so that append copies them.
//
// # Writing in place
//
// [Buffer.Reserve] gives out free space for the caller to fill, and
// [Buffer.Commit] makes what was filled part of the buffer. [Buffer.Expand] only
// makes sure that there is space.
//
// # Descriptors
//
// [Buffer.ReadFD] and [Buffer.WriteFD] make one system call each, on the
// buffer's own memory: readv and writev, their equivalents for sockets, or
// sendfile. Descriptors should be non-blocking. The error that says "not now" is
// the system's own, which allocates nothing; evutil.IsRetriable knows it.
//
// # Callbacks
//
// [Buffer.AddCallback] registers a function to be told of changes: the length
// before, and how many bytes were added and removed. It runs before the call
// that made the change returns or, after [Buffer.DeferCallbacks], from the loop
// of a base. It may do anything, to any buffer; for each callback the figures
// follow one another even so. A callback, cleanup, reader or writer that panics
// leaves the buffers whole, and all memory in one place.
//
// [Buffer.Freeze] protects one end of a buffer from changes. A buffer that is a
// part of a larger object is an [Owned]: only the object can free and observe it,
// and unfreeze what it has frozen. So bufferevents keep users from writing to their
// input.
//
// # Goroutines
//
// A buffer belongs to one goroutine, unless [Buffer.EnableLocking] has given it
// a lock. Then each operation takes the lock; [Buffer.Lock] holds it over
// several. Buffers that share memory may belong to different goroutines.
//
// # Errors
//
// An operation that fails has changed nothing. Bad arguments, frozen ends and
// stale positions are errors that wrap one of this package's; system calls that
// fail are named with their descriptor:
//
//	recv fd 7: connection reset by peer
//
// # Coming from C
//
// What is different, besides the names:
//
//   - Positions, reservations and callbacks are checked: what was undefined is
//     an error, or works. A file that is to be sent by sendfile can be read,
//     too: it is loaded then.
//   - The end of a stream is io.EOF, not 0, and writing an empty buffer is no
//     error.
//   - Positions stay valid while data is added at the back.
//   - Callbacks are told once of each call, also of those that consist of
//     several steps in C, such as reading a line. If one of them changes the
//     buffer, the others are told of the earlier change first.
//   - After Free nothing runs any more, not even deferred callbacks that were
//     due. A freed buffer can be used again.
//   - A file segment stays the caller's if adding it fails; AddFile closes its
//     descriptor even then, as the C documentation has promised.
//   - A length of -1 for a file means up to its end, also with an offset.
//   - Messages much smaller than a chunk are copied when they move next to
//     others, and when they are what is left of a chunk, so that memory stays in
//     proportion to the data.
//
// # Files
//
//	buffer.go       the type, its length, limits and ends that are frozen
//	errors.go       errors
//	chunk.go        a piece of memory in the queue
//	queue.go        the queue of chunks
//	pool.go         where memory for chunks comes from
//	proportion.go   why memory is in proportion to the data
//	share.go        memory that several chunks refer to
//	add.go          copying data to either end
//	drain.go        taking data from the front
//	move.go         moving data from one buffer to another
//	pullup.go       bringing data together
//	peek.go         looking at data without taking it
//	reserve.go      free space at the back that the caller fills
//	ptr.go          positions
//	search.go       finding bytes
//	line.go         finding and reading lines
//	stream.go       what makes a buffer a reader and writer of Go
//	reference.go    memory of others, added without a copy
//	filesegment.go  files, sent from disk
//	addfile.go      adding them
//	fdio.go         reading from and writing to descriptors
//	change.go       what an operation has done, as callbacks learn of it
//	callback.go     callbacks and observers
//	deferral.go     callbacks that run on a loop
//	lock.go         the lock of a buffer
//	owned.go        a buffer that is a part of a larger object
package evbuffer
