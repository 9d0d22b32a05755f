package evfile_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-libevent/libevent/http/evfile"
)

func TestListing(t *testing.T) {
	modified := time.Date(2026, 11, 25, 4, 5, 6, 0, time.FixedZone("CET", 3600))
	entries := []evfile.Entry{
		{Name: "b.txt", Size: 12, Modified: modified},
		{Name: "a", Size: 0},
		{Name: "z", Folder: true, Size: 4096},
		{Name: "javascript:alert(1)", Size: 1},
		{Name: `"><script>x</script>&?#%é`, Size: 2},
	}
	page := string(evfile.AppendListing([]byte("> "), `/a&b/<c>/`, entries))
	var order []int
	for _, want := range []string{
		"> <!DOCTYPE html>", "<title>/a&amp;b/&lt;c&gt;/</title>", "<h1>/a&amp;b/&lt;c&gt;/</h1>", `<a href="../">../</a>`,
		`<a href="./z/">z/</a></td><td></td><td></td>`,
		`<a href="./%22%3E%3Cscript%3Ex%3C%2Fscript%3E%26%3F%23%25%C3%A9">&quot;&gt;&lt;script&gt;x&lt;/script&gt;&amp;?#%é</a></td><td>2</td>`,
		`<a href="./a">a</a></td><td>0</td>`,
		`<a href="./b.txt">b.txt</a></td><td>12</td><td>2026-11-25 03:05:06</td>`,
		`<a href="./javascript%3Aalert%281%29">`,
		"</html>\n",
	} {
		order = append(order, strings.Index(page, want))
		if n := len(order); order[n-1] < 0 || n > 1 && order[n-1] < order[n-2] {
			t.Errorf("%q is missing or not in its place", want)
		}
	}
	if entries[0].Name != "b.txt" {
		t.Error("the caller's entries were sorted")
	}
	if strings.Contains(string(evfile.AppendListing(nil, "/", nil)), "../") {
		t.Error("a way up from the top")
	}
}

func TestEntryOf(t *testing.T) {
	files := fstest.MapFS{"d/f": {Data: []byte("123"), ModTime: fileTime}}
	for name, want := range map[string]string{"d/f": "f false 3", "d": "d true 0"} {
		info, err := files.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if e := evfile.EntryOf(info); fmt.Sprint(e.Name, " ", e.Folder, " ", e.Size) != want || !e.Modified.Equal(info.ModTime()) {
			t.Errorf("%+v, want %s", e, want)
		}
	}
}

func TestContentTypeOf(t *testing.T) {
	for name, want := range map[string]string{
		"a.html": "text/html", "/x/b.CSS": "text/css", "c.woff2": "font/woff2", "d.png": "image/png", "e.tar.gz": "gzip",
		"f.TXT": "text/plain", "g": evfile.DefaultContentType, "h.unheard-of": evfile.DefaultContentType, "": evfile.DefaultContentType, "x.html/y": evfile.DefaultContentType,
	} {
		if got := evfile.ContentTypeOf(name); !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}
