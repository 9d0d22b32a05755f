package simulation_test

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"testing/fstest"
	"time"

	"github.com/go-libevent/libevent/core/evtest"
	"github.com/go-libevent/libevent/http/evfile"
	"github.com/go-libevent/libevent/http/evhttp"
)

// An httpFile is one that is served.
type httpFile struct {
	name     string
	seed     int
	size     int
	modified time.Time
	tag      string // its entity tag, once it is known
}

// An httpFetch is a request for a file.
type httpFetch struct {
	client *httpClient
	file   *httpFile
	head   bool
	fields [][2]string
	code   int      // that is expected
	ranges [][2]int // that are expected: first and last byte of each
	over   bool
	then   func()
}

// httpFiles has our client fetch files, and parts of them, from our server.
func httpFiles(w *evtest.World) {
	m := newHTTPModel(w)
	server := &httpServer{model: m, host: w.Host("server")}
	client := m.newClient(server.host)
	fsys, files := fstest.MapFS{}, []*httpFile(nil)
	for i := range w.Draw("files", 1, 5) {
		f := &httpFile{name: fmt.Sprintf("folder%d/file%d.txt", i%2, i), seed: i, size: m.size()}
		f.modified = w.Now().Add(-m.upTo(1000 * time.Hour)).Truncate(time.Second)
		fsys[f.name] = &fstest.MapFile{Data: bytes.Clone(httpBytes(i, 0, f.size)), Mode: 0o644, ModTime: f.modified}
		files = append(files, f)
	}
	lanes, requests := w.Draw("lanes", 1, 5), w.Draw("requests", 1, 20)
	cfg, conn := m.serverConfig(), m.connConfig()
	server.host.Do(func() {
		server.start(cfg)
		folder, err := evfile.NewServerFS(fsys)
		if err != nil {
			w.Failf("%v", err)
			return
		}
		folder.Listing = m.chance(0.5)
		server.server.SetGenericCallback(folder.Serve)
	})
	client.host.Do(func() {
		client.start(conn, 0)
		for range lanes {
			left := (requests + lanes - 1) / lanes
			m.left += left
			var next func()
			next = func() {
				if left == 0 {
					return
				}
				left--
				f := &httpFetch{client: client, file: files[m.rand.IntN(len(files))], then: next}
				httpAfter(client.base, m.upTo(time.Second), f.start)
			}
			next()
		}
	})
	m.accidents(server.host, client.host)
	w.Await("all files to be fetched", func() bool { return m.left == 0 })
	w.Run(httpLeftovers)
	client.host.Do(client.free)
	m.endServer(server)
	m.awaitDescriptors(server.host, client.host)
}

// start sends the request.
func (f *httpFetch) start() {
	m := f.client.model
	f.head, f.code = m.chance(0.2), 200
	f.ranges = [][2]int{{0, f.file.size - 1}}
	f.drawCondition()
	if f.code == 200 && f.file.size > 0 && m.chance(0.6) {
		f.drawRange()
	}
	r := evhttp.NewRequest(f.done)
	for _, field := range f.fields {
		_ = r.OutputHeaders().Add(field[0], field[1]) // fields that are valid
	}
	method := evhttp.MethodGet
	if f.head {
		method = evhttp.MethodHead
	}
	m.w.Note("fetch %s of %d bytes, %v: %d %v", f.file.name, f.file.size, f.fields, f.code, f.ranges)
	url := fmt.Sprintf("http://server.test/%s", f.file.name)
	if err := f.client.client.MakeRequest(r, method, url); err != nil {
		m.w.Failf("fetch: %v", err)
	}
}

func (f *httpFetch) add(name, value string) { f.fields = append(f.fields, [2]string{name, value}) }

// drawCondition draws a condition, and what must come of it (RFC 9110, section 13.2.2).
func (f *httpFetch) drawCondition() {
	m := f.client.model
	before, after := f.file.modified.Add(-time.Hour), f.file.modified.Add(time.Second)
	date := func(t time.Time) string { return t.UTC().Format(http.TimeFormat) }
	tag := f.file.tag
	if tag == "" {
		tag = `"none"`
	}
	known := f.file.tag != ""
	switch m.rand.IntN(16) {
	case 0:
		f.add("If-Modified-Since", date(before))
	case 1:
		f.add("If-Modified-Since", date(f.file.modified))
		f.code = 304
	case 2:
		f.add("If-Modified-Since", date(after))
		f.code = 304
	case 3:
		f.add("If-Unmodified-Since", date(before))
		f.code = 412
	case 4:
		f.add("If-Unmodified-Since", date(f.file.modified))
	case 5:
		f.add("If-None-Match", `"other", W/"another"`)
		f.add("If-Modified-Since", date(after)) // which does not count
	case 6:
		f.add("If-None-Match", `"other", `+tag)
		if known {
			f.code = 304
		}
	case 7:
		f.add("If-None-Match", "*")
		f.code = 304
	case 8:
		f.add("If-Match", "*")
	case 9:
		f.add("If-Match", `"other"`)
		f.add("If-Unmodified-Since", date(after)) // which does not count
		f.code = 412
	case 10:
		f.add("If-Modified-Since", "yesterday")
	}
}

// drawRange draws a field Range, and what must come of it (RFC 9110, section 14.2).
func (f *httpFetch) drawRange() {
	m, size := f.client.model, f.file.size
	if m.chance(0.2) { // the range counts if the file is the same
		if m.chance(0.5) {
			f.add("If-Range", f.file.modified.Add(-time.Hour).UTC().Format(http.TimeFormat))
		} else {
			f.add("If-Range", `"other"`)
		}
		f.add("Range", "bytes=0-0")
		return
	}
	if f.head {
		f.add("Range", "bytes=0-0") // which is for GET alone
		return
	}
	at := func() int { return m.rand.IntN(size + 10) }
	first := at()
	switch m.rand.IntN(6) {
	case 0:
		last := first + m.rand.IntN(size+1)
		f.add("Range", fmt.Sprintf("bytes=%d-%d", first, last))
		f.ranges = [][2]int{{first, min(last, size-1)}}
	case 1:
		f.add("Range", fmt.Sprintf("bytes=%d-", first))
		f.ranges = [][2]int{{first, size - 1}}
	case 2:
		n := 1 + at()
		f.add("Range", fmt.Sprintf("bytes=-%d", n))
		first = max(size-n, 0)
		f.ranges = [][2]int{{first, size - 1}}
	case 3:
		f.add("Range", fmt.Sprintf("bytes=%d-%d", first+1, first))
		return
	case 4:
		f.add("Range", "lines=1-2")
		return
	case 5:
		if size < 100 {
			return
		}
		third := size / 3
		f.add("Range", fmt.Sprintf("bytes=0-%d, %d-%d", third/2, 2*third, size+5))
		f.code, f.ranges = 206, [][2]int{{0, third / 2}, {2 * third, size - 1}}
		return
	}
	switch {
	case first >= size:
		f.code, f.ranges = 416, nil
	default:
		f.code = 206
	}
}

// done compares the answer.
func (f *httpFetch) done(r *evhttp.Request) {
	m := f.client.model
	if f.over {
		m.w.Failf("the fetch of %s is over twice", f.file.name)
	}
	f.over = true
	defer func() { m.left--; f.then() }()
	if err := r.Err(); err != nil {
		if !m.harsh {
			m.w.Failf("fetch %s: %v", f.file.name, err)
		}
		return
	}
	h := r.InputHeaders()
	body := make([]byte, r.Input().Len())
	_, _ = r.Input().Remove(body)           // it has as many
	if r.ResponseCode() == 408 && m.harsh { // it did not come in time
		return
	}
	if r.ResponseCode() != f.code {
		m.w.Failf("fetch %s of %d bytes %v: %d %v, want %d", f.file.name, f.file.size, f.fields, r.ResponseCode(),
			h.Get("Content-Range"), f.code)
		return
	}
	if f.code == 200 || f.code == 206 {
		f.checkValidators(h)
	}
	switch {
	case f.code == 416:
		if want := fmt.Sprintf("bytes */%d", f.file.size); h.Get("Content-Range") != want {
			m.w.Failf("range %q, want %q", h.Get("Content-Range"), want)
		}
	case f.code == 412:
	case f.code == 304 || f.head:
		if len(body) > 0 {
			m.w.Failf("a body of %d bytes with %d", len(body), f.code)
		}
		if want := strconv.Itoa(f.file.size); f.code == 200 && h.Get("Content-Length") != want {
			m.w.Failf("length %q, want %s", h.Get("Content-Length"), want)
		}
	case len(f.ranges) > 1:
		f.checkParts(h.Get("Content-Type"), body)
	default:
		f.checkRange(f.ranges[0], h.Get("Content-Range"), body)
	}
}

// checkValidators checks that the file has the validators that it had before.
func (f *httpFetch) checkValidators(h *evhttp.Header) {
	m, file := f.client.model, f.file
	if want := file.modified.UTC().Format(http.TimeFormat); h.Get("Last-Modified") != want {
		m.w.Failf("%s was modified %q, want %q", file.name, h.Get("Last-Modified"), want)
	}
	tag := h.Get("Etag")
	if file.tag != "" && tag != file.tag {
		m.w.Failf("%s has the tag %q after %q", file.name, tag, file.tag)
	}
	file.tag = tag
}

// checkRange checks a part of the file.
func (f *httpFetch) checkRange(part [2]int, said string, body []byte) {
	m := f.client.model
	if want := fmt.Sprintf("bytes %d-%d/%d", part[0], part[1], f.file.size); f.code == 206 && said != want {
		m.w.Failf("range %q, want %q", said, want)
	}
	if len(body) != part[1]-part[0]+1 {
		m.w.Failf("%d bytes of range %v", len(body), part)
	}
	if err := httpSame(f.file.seed, part[0], body); err != nil {
		m.w.Failf("%s: %v", f.file.name, err)
	}
}

// checkParts checks a body of several parts.
func (f *httpFetch) checkParts(contentType string, body []byte) {
	m := f.client.model
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/byteranges" {
		m.w.Failf("type %q: %v", contentType, err)
		return
	}
	for _, part := range f.ranges {
		head := "--" + params["boundary"] + "\r\n"
		i := bytes.Index(body, []byte(head))
		j := bytes.Index(body, []byte("\r\n\r\n"))
		if i < 0 || j < i {
			m.w.Failf("a part is missing")
			return
		}
		fields, err := parseHTTPFields(strings.Split(string(body[i+len(head):j]), "\r\n"))
		n := part[1] - part[0] + 1
		if body = body[j+4:]; err != nil || len(body) < n {
			m.w.Failf("a part is cut off: %v", err)
			return
		}
		f.checkRange(part, fields.get("content-range"), body[:n])
		body = body[n:]
	}
	if want := "\r\n--" + params["boundary"] + "--\r\n"; string(body) != want {
		m.w.Failf("the body ends with %q", body)
	}
}
