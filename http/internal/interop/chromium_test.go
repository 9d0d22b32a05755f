//go:build unix

package interop

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// browse has Chromium load a page, and returns what has become of the document.
func browse(t testing.TB, chromium, url string) (dom string, status int) {
	t.Helper()
	dir, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "XDG_CACHE_HOME=" + dir}, chromium,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
		"--no-first-run", "--no-proxy-server", "--user-data-dir="+dir, "--virtual-time-budget=20000", "--dump-dom", url)
	t.Cleanup(func() { os.RemoveAll(dir) })
	status = p.exit()
	return p.String(), status
}

// startsAtAll skips the test if Chromium cannot start here, as in a container that
// does not let it.
func startsAtAll(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	chromium := program(t, "chromium")
	if dom, status := browse(t, chromium, "data:text/html,<p>it starts</p>"); status != 0 || !strings.Contains(dom, "it starts") {
		t.Skipf("Chromium cannot start here: status %d\n%.2000s", status, dom)
	}
	return chromium
}

// oddNames are names of files that need care in links.
var oddNames = []string{"a b", "50%25", "q?x=1#y", "<b>&amp;\"'", "größe", "c:d", "+plus", "semi;colon,comma", "back\\slash", "~tilde"}

// pictures are the names of 100 pictures.
func pictures() (names []string) {
	for i := range 100 {
		name := fmt.Sprintf("%03d", i)
		if i < len(oddNames) {
			name = oddNames[i]
		}
		names = append(names, name+".png")
	}
	return names
}

// gallery makes a folder with pictures, and a page that shows them.
func gallery(t testing.TB, s *ourServer) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(s.folder, "pictures"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, name := range pictures() {
		picture := image.NewRGBA(image.Rect(0, 0, 16, 16))
		picture.Set(i%16, i/16, color.White)
		var file bytes.Buffer
		if err := png.Encode(&file, picture); err != nil {
			t.Fatal(err)
		}
		s.file(filepath.Join("pictures", name), file.Bytes())
	}
	page, err := os.ReadFile("testdata/gallery.html")
	if err != nil {
		t.Fatal(err)
	}
	s.file("gallery.html", page)
}

// TestChromiumShowsAFolder loads the list of a folder.
func TestChromiumShowsAFolder(t *testing.T) {
	chromium, s := startsAtAll(t), serve(t)
	gallery(t, s)
	dom, status := browse(t, chromium, "http://"+s.addr.String()+"/files/pictures")
	if n := strings.Count(dom, ".png</a>"); status != 0 || n != 100 || !strings.Contains(dom, "<title>/files/pictures/</title>") {
		t.Errorf("status %d, %d links in\n%s", status, n, dom)
	}
}

// TestChromiumLoadsAHundredPictures follows all the links of the list.
func TestChromiumLoadsAHundredPictures(t *testing.T) {
	chromium, s := startsAtAll(t), serve(t)
	gallery(t, s)
	dom, status := browse(t, chromium, "http://"+s.addr.String()+"/files/gallery.html")
	if status != 0 || !strings.Contains(dom, "100 listed, 100 loaded, 0 failed") {
		t.Errorf("status %d, and\n%s", status, dom)
	}
	seen := make(map[string]int)
	for _, r := range s.requests() {
		if path, err := url.PathUnescape(r.uri); err == nil {
			seen[path]++
		}
	}
	for _, name := range pictures() {
		if n := seen["/files/pictures/"+name]; n != 1 {
			t.Errorf("%s was asked for %d times", name, n)
		}
	}
	if n := s.connections(); n > 20 {
		t.Errorf("%d connections", n)
	}
}
