package evfile_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing/fstest"
	"time"

	"github.com/go-libevent/libevent/core/event"
	"github.com/go-libevent/libevent/http/evfile"
	"github.com/go-libevent/libevent/http/evhttp"
)

// A server of a folder, and a client that wants a part of a file.
func Example() {
	folder, err := os.MkdirTemp("", "evfile")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	if err := os.WriteFile(filepath.Join(folder, "greeting.txt"), []byte("Hello, world"), 0o644); err != nil {
		fmt.Println(err)
		return
	}
	files, err := evfile.NewServer(folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer files.Close()

	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	server := evhttp.NewServer(base)
	defer server.Free()
	server.SetGenericCallback(files.Serve)
	bound, err := server.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		defer base.LoopExit(0)
		req, _ := http.NewRequest("GET", "http://"+bound.AddrPort().String()+"/greeting.txt", nil)
		req.Header.Set("Range", "bytes=7-")
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		fmt.Printf("%s %s: %s\n", resp.Status, resp.Header.Get("Content-Range"), bytes.TrimSpace(body))
	}()
	base.AddVirtual()
	if err := base.Dispatch(); err != nil {
		fmt.Println(err)
	}
	// Output: 206 Partial Content bytes 7-11/12: world
}

// The page for a folder.
func ExampleAppendListing() {
	page := evfile.AppendListing(nil, "/pub/", []evfile.Entry{
		{Name: "50%.txt", Size: 12, Modified: time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)},
		{Name: "old", Folder: true},
	})
	fmt.Printf("%s", page)
	// Output:
	// <!DOCTYPE html>
	// <html><head><meta charset="utf-8">
	// <title>/pub/</title>
	// </head><body>
	// <h1>/pub/</h1>
	// <table>
	// <tr><td><a href="../">../</a></td><td></td><td></td></tr>
	// <tr><td><a href="./old/">old/</a></td><td></td><td></td></tr>
	// <tr><td><a href="./50%25.txt">50%.txt</a></td><td>12</td><td>2026-11-25 03:00:00</td></tr>
	// </table>
	// </body></html>
}

// Files that are part of the program, by package embed, or made for a test as here.
func ExampleNewServerFS() {
	files, err := evfile.NewServerFS(fstest.MapFS{
		"index.html": {Data: []byte("<p>Hello, world</p>\n")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	base, err := event.NewBase()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer base.Free()
	server := evhttp.NewServer(base)
	defer server.Free()
	server.SetGenericCallback(files.Serve)
	bound, err := server.Bind(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		fmt.Println(err)
		return
	}
	request := evhttp.NewRequest(func(r *evhttp.Request) {
		page, _ := io.ReadAll(r.Input())
		fmt.Printf("%d: %s", r.ResponseCode(), page)
		base.LoopBreak()
	})
	client, err := evhttp.NewClient(base, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Free()
	if err := client.MakeRequest(request, evhttp.MethodGet, "http://"+bound.AddrPort().String()+"/"); err != nil {
		fmt.Println(err)
		return
	}
	if err := base.Dispatch(); err != nil {
		fmt.Println(err)
	}
	// Output: 200: <p>Hello, world</p>
}
