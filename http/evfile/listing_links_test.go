package evfile_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/http/evfile"
	"github.com/go-libevent/libevent/http/evuri"
)

// hostileNames are names of files and folders that mean something elsewhere: in
// HTML, in URLs, in paths, to a shell, to a system.
var hostileNames = []string{
	"folder", "plain.txt", "two words", " ", "  leading and trailing  ", "a+b", "a&amp;b", "a&b;c", `"quoted"`, "'", "`",
	"<script>alert(1)<", "a:b", "javascript:alert(1)", "http:", "?", "a?b=c", "#", "a#b", "%", "%2", "%2F", "%2f..", "%00", "%252e",
	"a%b", ";", ";type=a", "a=b", "@", "~", "~root", "!", "$HOME", "(x)", "[x]", "{x}", "|", "^", "*", "a*", ",", "\\", `..\..`, `C:`,
	"...", "a..b", "..a", "-", "-rf", "_", "caf\u00e9", "cafe\u0301", "\u4e2d\u6587", "\u202egnp.exe", "\U0001f600", "\ufeff", "\ufffd",
	"\xff", "\xfe\xff", "caf\xe9", "\xc3", "\xed\xa0\x80", "a\xffb", "line\nfeed", "carriage\rreturn", "\t", "\x01", "\x7f",
	"CON", "nul.txt", "index.htm", "INDEX.HTML", strings.Repeat("x", 255), strings.Repeat("\xff", 255), strings.Repeat("%", 255),
}

// makeNames makes those of the names that the system can have, some as folders. It
// returns the links to those that are not hidden.
func makeNames(t *testing.T, dir string, names []string) (links []string) {
	t.Helper()
	for i, name := range names {
		if strings.ContainsAny(name, `\:`) && filepath.Separator == '\\' {
			continue
		}
		path, link := filepath.Join(dir, name), evuri.Encode(name)
		var err error
		if i%4 == 0 {
			err = os.Mkdir(path, 0o755)
			link += "/"
		} else {
			err = os.WriteFile(path, []byte(name), 0o644)
		}
		switch {
		case err != nil:
			t.Logf("no %q here: %v", name, err)
		case name[0] != '.':
			links = append(links, link)
		}
	}
	return links
}

var hrefs = regexp.MustCompile(`href="([^"]*)"`)

// fetchPage gets a page without following redirects.
func fetchPage(t *testing.T, url string) (code int, body string) {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(newGet(t, url))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func newGet(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// follow gets all that a listing links to, and lists of folders in turn. It returns
// what it has found, by URL.
func follow(t *testing.T, page string, seen map[string]string) {
	t.Helper()
	code, body := fetchPage(t, page)
	if code != 200 {
		t.Errorf("%s: status %d", page, code)
	}
	seen[page] = body
	if !strings.HasSuffix(page, "/") {
		return
	}
	base, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range hrefs.FindAllStringSubmatch(body, -1) {
		ref, err := base.Parse(html.UnescapeString(m[1]))
		if err != nil {
			t.Errorf("%s: link %q: %v", page, m[1], err)
			continue
		}
		if _, known := seen[ref.String()]; !known {
			follow(t, ref.String(), seen)
		}
	}
}

// TestEveryLinkOfAListingIsServed follows all links of listings of hostile names,
// and finds all that there is.
func TestEveryLinkOfAListingIsServed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("names are text there, and not all texts are names")
	}
	top := tempFolder(t)
	dir := filepath.Join(top, "served")
	odd := filepath.Join(dir, "a folder\xff&%2f")
	if os.MkdirAll(odd, 0o755) != nil {
		odd = filepath.Join(dir, "a folder")
		if err := os.MkdirAll(odd, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	folder := evuri.Encode(filepath.Base(odd)) + "/"
	links := append(makeNames(t, dir, hostileNames), folder)
	for _, link := range makeNames(t, odd, hostileNames) {
		links = append(links, folder+link)
	}
	if err := os.WriteFile(filepath.Join(top, "outside"), []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"in": "plain.txt", "to a folder": filepath.Base(odd), "to itself": "to itself", "nowhere": "nothing", "up": "..",
		"out": "../outside", "far out": filepath.Join(top, "outside"), "out of a link": "to a folder/../../outside",
		"a device": "/dev/null", ".hidden": "plain.txt",
	} {
		switch err := os.Symlink(target, filepath.Join(dir, name)); {
		case err != nil:
			t.Logf("no links here: %v", err)
		case name == "in":
			links = append(links, "in")
		case name == "to a folder":
			links = append(links, "to%20a%20folder/")
		}
	}
	files, err := evfile.NewServer(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { files.Close() })
	files.Listing = true
	for _, where := range []string{"prefix", "wildcard", "virtual root"} {
		t.Run(where, func(t *testing.T) {
			path := "/files/"
			s, addr, on := serve(t)
			on(func() {
				var err error
				switch files.Prefix = "/"; where {
				case "prefix":
					files.Prefix = path
					s.SetGenericCallback(files.Serve)
				case "wildcard":
					err = s.HandlePattern(path+"{path...}", files.Serve)
				default:
					path = "/"
					s.SetGenericCallback(files.Serve)
				}
				if err != nil {
					t.Error(err)
				}
			})
			seen := make(map[string]string)
			follow(t, "http://"+addr+path, seen)
			for page, body := range seen {
				if strings.Contains(body, "outside") {
					t.Errorf("%q leads out of the folder, or shows what does", page)
				}
			}
			for _, link := range links {
				if _, found := seen["http://"+addr+path+link]; !found {
					t.Errorf("%s is not listed", link)
				}
			}
		})
	}
}
