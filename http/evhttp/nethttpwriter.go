package evhttp

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/go-libevent/libevent/core/evbuffer"
)

// WriteHeader implements http.ResponseWriter.
func (w *httpExchange) WriteHeader(code int) {
	if w.hijacked {
		return
	}
	if interim := w.decide(code); interim {
		h := w.handler.Clone()
		w.base.Post(func() {
			if w.r.ex != nil {
				sendInterim(w.r, code, h)
			}
		})
	}
}

// Write implements http.ResponseWriter.
func (w *httpExchange) Write(p []byte) (int, error) { return write(w, p) }

// WriteString implements io.StringWriter.
func (w *httpExchange) WriteString(s string) (int, error) { return write(w, s) }

func write[T []byte | string](w *httpExchange, p T) (n int, err error) {
	if err := w.mayWrite(len(p)); err != nil {
		return 0, err
	}
	for n < len(p) {
		part := p[n:min(len(p), n+handlerUnsent)]
		if w.buf == nil {
			w.buf = make([]byte, 0, max(handlerBuffer, len(part)))
		}
		w.buf = append(w.buf, part...)
		n += len(part)
		if len(w.buf) <= handlerBuffer {
			continue
		}
		if err := w.flush(false); err != nil {
			return n, err
		}
	}
	return n, nil
}

// mayWrite returns an error unless n bytes may be written now.
func (w *httpExchange) mayWrite(n int) error {
	if w.hijacked {
		return http.ErrHijacked
	}
	if !w.wrote() {
		w.WriteHeader(http.StatusOK)
	}
	return w.take(n)
}

// Flush implements http.Flusher.
func (w *httpExchange) Flush() { _ = w.FlushError() } // Flush has no result

// FlushError is Flush for http.ResponseController.
func (w *httpExchange) FlushError() error {
	if err := w.mayWrite(0); err != nil {
		return err
	}
	return w.flush(false)
}

// flush hands what was written to the loop, and waits while too much of it is on
// its way. With whole, that is all.
func (w *httpExchange) flush(whole bool) error {
	data := w.buf
	w.buf = nil
	head := w.head(data, whole)
	if w.method == http.MethodHead {
		data = nil
	}
	return w.hand(int64(len(data)), func() error {
		w.r.duplex = w.r.duplex && !whole
		var buf evbuffer.Buffer
		if len(data) > 0 {
			if err := buf.AddReference(data, nil); err != nil {
				return err
			}
		}
		return w.send(head, &buf)
	})
}

// head returns the header if it was not handed over yet.
func (w *httpExchange) head(first []byte, whole bool) http.Header {
	if w.begun {
		return nil
	}
	w.begun = true
	return w.complete(first, whole)
}

// hand has the loop send n bytes, once not too much is on its way.
func (w *httpExchange) hand(n int64, send func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.awaitSent(handlerUnsent); err != nil {
		return err
	}
	w.handed += n
	return w.base.Post(func() {
		err := ErrDone
		if w.r.ex != nil {
			if err = send(); err != nil {
				w.r.Cancel()
			}
		}
		if err != nil {
			w.fail(err)
		}
	})
}

// awaitSent waits until at most so many bytes are on their way. It is called with
// mu held.
func (w *httpExchange) awaitSent(most int64) error {
	for w.handed-w.left > most && w.err == nil && !w.writeBy.passed() {
		w.changed.Wait()
	}
	if w.err == nil && w.writeBy.passed() {
		w.err = os.ErrDeadlineExceeded
	}
	return w.err
}

// send sends on the loop what was handed over.
func (w *httpExchange) send(head http.Header, data *evbuffer.Buffer) error {
	r := w.r
	if head != nil {
		addHeader(&r.header, head)
		r.untyped = true
		if err := w.start(); err != nil {
			return err
		}
	}
	if data.Len() == 0 {
		return nil
	}
	w.added += int64(data.Len())
	return r.SendReplyChunkFunc(data, w.sent)
}

// start sends the head. That for HEAD says nothing of the body's length but what the
// handler has: whether GET would write more is not known.
func (w *httpExchange) start() error {
	if w.method == http.MethodHead {
		return w.r.sendHead(w.code, "", 0)
	}
	return w.r.SendReplyStart(w.code, "")
}

// sent is called on the loop when all that was added has left.
func (w *httpExchange) sent() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left = w.added
	w.changed.Broadcast()
}

// finish sends the rest, when the handler has returned.
func (w *httpExchange) finish() {
	if !w.wrote() {
		w.WriteHeader(http.StatusOK)
	}
	err := w.flush(true)
	w.mu.Lock()
	if err == nil && !w.writeBy.at.IsZero() {
		err = w.awaitSent(0)
	}
	w.mu.Unlock()
	if err != nil { // it is over, or the client takes nothing
		w.base.Post(w.r.Cancel)
		return
	}
	trailer := w.outputTrailer()
	w.base.Post(func() {
		if w.r.ex == nil {
			return
		}
		if len(trailer) > 0 {
			addHeader(w.r.OutputTrailers(), trailer)
		}
		_ = w.r.SendReplyEnd() // if it fails, that is seen by the client
	})
}

// ReadFrom implements io.ReaderFrom, for io.Copy: the kernel sends files without
// bringing them here, unless the stream is of TLS.
func (w *httpExchange) ReadFrom(src io.Reader) (n int64, err error) {
	file, most := regularFile(src)
	if file == nil {
		return io.Copy(writerOnly{w}, src)
	}
	if !w.wrote() {
		w.WriteHeader(http.StatusOK)
	}
	_, typed := w.header["Content-Type"]
	if most <= handlerBuffer || w.method == http.MethodHead || !w.begun && !typed {
		return io.Copy(writerOnly{w}, src)
	}
	for n < most {
		part := min(handlerFile, most-n)
		if err := w.mayWrite(int(part)); err != nil {
			return n, err
		}
		if err := w.sendFile(file, part); err != nil {
			return n, err
		}
		n += part
		if limited, ok := src.(*io.LimitedReader); ok {
			limited.N -= part
		}
	}
	return n, nil
}

// writerOnly hides ReadFrom from io.Copy.
type writerOnly struct{ io.Writer }

// An openFile is an *os.File, or what that becomes within io.Copy.
type openFile interface {
	fs.File
	io.Seeker
	syscall.Conn
}

// regularFile returns the file that src reads, and how many bytes are left of it,
// if it is a regular one.
func regularFile(src io.Reader) (file openFile, left int64) {
	most := int64(-1)
	if limited, ok := src.(*io.LimitedReader); ok {
		src, most = limited.R, limited.N
	}
	file, ok := src.(openFile)
	if !ok {
		return nil, 0
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, 0
	}
	at, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, 0
	}
	left = max(info.Size()-at, 0)
	if most >= 0 {
		left = min(left, most)
	}
	return file, left
}

// sendFile sends the next n bytes of a file, and waits until they have left, since
// the file is the handler's.
func (w *httpExchange) sendFile(file openFile, n int64) error {
	if err := w.flush(false); err != nil {
		return err
	}
	at, err := file.Seek(n, io.SeekCurrent)
	if err != nil {
		return err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	sent := error(nil)
	err = raw.Control(func(fd uintptr) { // which stays open meanwhile
		sent = w.hand(n, func() error {
			var piece evbuffer.Buffer
			if err := addFilePart(&piece, int(fd), at-n, n); err != nil {
				return err
			}
			return w.send(nil, &piece)
		})
		w.mu.Lock()
		defer w.mu.Unlock()
		if sent == nil {
			sent = w.awaitSent(0)
		}
	})
	if err != nil {
		return err
	}
	return sent
}

// addFilePart adds some of a file to an empty buffer, to be sent from disk. A
// mapping would be the end of us if somebody shortened the file.
func addFilePart(piece *evbuffer.Buffer, fd int, start, n int64) error {
	if err := piece.SetFlags(evbuffer.DrainsToFD); err != nil {
		return err
	}
	s, err := evbuffer.NewFileSegment(fd, start, n, evbuffer.DisableMmap|evbuffer.DisableLocking)
	if err != nil {
		return err
	}
	defer s.Free()
	return piece.AddFileSegment(s, 0, -1)
}

// EnableFullDuplex is for http.ResponseController. The body can be read while the
// answer is sent anyway; this says that it will be, so that the answer need not end
// the connection.
func (w *httpExchange) EnableFullDuplex() error {
	return w.base.Post(func() { w.r.duplex = true })
}

// SetReadDeadline is for http.ResponseController: reading the body fails once t
// has passed.
func (w *httpExchange) SetReadDeadline(t time.Time) error {
	return w.setDeadline(&w.readBy, t)
}

// SetWriteDeadline is for http.ResponseController: when t passes while the handler
// waits because the client does not read, the request is over.
func (w *httpExchange) SetWriteDeadline(t time.Time) error {
	return w.setDeadline(&w.writeBy, t)
}

func (w *httpExchange) setDeadline(d *httpDeadline, t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	d.set(t, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})
	w.changed.Broadcast()
	return nil
}

// An httpDeadline wakes who waits when it passes.
type httpDeadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *httpDeadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func (d *httpDeadline) set(t time.Time, wake func()) {
	d.stop()
	d.at = t
	if !t.IsZero() {
		d.timer = time.AfterFunc(time.Until(t), wake)
	}
}

func (d *httpDeadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
