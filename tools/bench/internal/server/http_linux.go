package server

import "strconv"

// httpServers are those that answer HTTP requests.
var httpServers = map[string]func(ready) error{
	"http-raw":  serveHTTPRaw,
	"http-ours": serveHTTPOurs,
	"http-fast": serveFastHTTP,
	"http-net":  serveHTTPNet,
}

// httpType is the media type of all bodies.
const httpType = "text/plain"

// httpSizes are the lengths of the bodies that an HTTP server has. The path of
// each is its length.
var httpSizes = []int{12, 10_000, 1_000_000}

// httpPath returns the path of a body.
func httpPath(size int) string { return "/" + strconv.Itoa(size) }

// httpBodies returns all bodies by their paths. The load knows them, too.
func httpBodies() map[string][]byte {
	bodies := make(map[string][]byte)
	for _, size := range httpSizes {
		body := make([]byte, size)
		for i := range body {
			body[i] = 'a' + byte(i%26)
		}
		bodies[httpPath(size)] = body
	}
	return bodies
}
