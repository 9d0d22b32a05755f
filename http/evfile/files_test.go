package evfile_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evfile"
)

// serveFS serves a file system.
func serveFS(t *testing.T, fsys fs.FS) (addr string) {
	t.Helper()
	s, addr, on := serve(t)
	f, err := evfile.NewServerFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	f.Listing = true
	on(func() { s.SetGenericCallback(f.Serve) })
	return addr
}

func TestNoFileSystem(t *testing.T) {
	if s, err := evfile.NewServerFS(nil); s != nil || !errors.Is(err, event.ErrNil) {
		t.Errorf("got %v, %v", s, err)
	}
}

// A file without a time, as those of package embed, may be another one each time.
func TestFilesWithoutATimeHaveNoValidators(t *testing.T) {
	addr := serveFS(t, fstest.MapFS{"a.txt": {Data: []byte("0123456789")}})
	resp, body := fetch(t, addr, "GET", "/a.txt", "If-None-Match: W/\"0\"", "Range: bytes=2-3")
	if resp.StatusCode != 206 || body != "23" {
		t.Errorf("got %s, %q", resp.Status, body)
	}
	for _, name := range []string{"ETag", "Last-Modified"} {
		if got := resp.Header.Get(name); got != "" {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// special is a file system whose files are made by a function of the file in another.
type special struct {
	fs.FS
	file func(f fs.File) fs.File
}

func (s special) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return s.file(f), nil
}

// A positioned file has a position, and nothing else.
type positioned struct {
	fs.File
	io.Seeker
}

// A failing file cannot be read after its middle.
type failing struct {
	fs.File
	size int64
}

var errFailing = errors.New("the file is broken")

func (f failing) ReadAt(p []byte, offset int64) (int, error) {
	if offset+int64(len(p)) > f.size/2 {
		return 0, errFailing
	}
	return f.File.(io.ReaderAt).ReadAt(p, offset)
}

func TestFilesAreReadAsTheyCanBe(t *testing.T) {
	data := string(noise(long))
	files := fstest.MapFS{"long.bin": {Data: []byte(data)}, "folder/a": {}}
	t.Run("by seeking", func(t *testing.T) {
		addr := serveFS(t, special{files, func(f fs.File) fs.File { return positioned{f, f.(io.Seeker)} }})
		if resp, body := fetch(t, addr, "GET", "/long.bin"); resp.StatusCode != 200 || body != data {
			t.Errorf("got %s, %d bytes", resp.Status, len(body))
		}
		resp, body := fetch(t, addr, "GET", "/long.bin", "Range: bytes=-10,5-7")
		if resp.StatusCode != 206 || !strings.Contains(body, data[5:8]) || !strings.Contains(body, data[long-10:]) {
			t.Errorf("got %s, %q", resp.Status, body)
		}
	})
	t.Run("from the beginning only", func(t *testing.T) {
		log := logged(t)
		addr := serveFS(t, special{files, func(f fs.File) fs.File { return struct{ fs.File }{f} }})
		if resp, _ := fetch(t, addr, "GET", "/long.bin"); resp.StatusCode != 500 {
			t.Errorf("got %s", resp.Status)
		}
		if resp, _ := fetch(t, addr, "GET", "/folder/"); resp.StatusCode != 500 { // cannot be listed either
			t.Errorf("a folder: got %s", resp.Status)
		}
		if !strings.Contains(log.String(), "long.bin") || !strings.Contains(log.String(), "folder") {
			t.Errorf("the log has %q", log.String())
		}
	})
	t.Run("until it fails", func(t *testing.T) {
		log := logged(t)
		addr := serveFS(t, special{files, func(f fs.File) fs.File { return failing{f, long} }})
		resp, err := http.Get("http://" + addr + "/long.bin")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if got, err := io.ReadAll(resp.Body); err == nil || !strings.HasPrefix(data, string(got)) || len(got) == 0 {
			t.Errorf("got %d bytes, error %v", len(got), err)
		}
		if !strings.Contains(log.String(), errFailing.Error()) {
			t.Errorf("the log has %q", log.String())
		}
	})
}
