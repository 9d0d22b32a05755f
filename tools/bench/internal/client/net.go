package client

import (
	"io"
	"net/http"
)

// askNet asks with net/http, in goroutines that share a client, which keeps a
// connection for each.
func askNet(t task) error {
	c := &http.Client{Transport: &http.Transport{
		MaxConnsPerHost:     t.atOnce,
		MaxIdleConns:        t.atOnce,
		MaxIdleConnsPerHost: t.atOnce,
		DisableCompression:  true,
	}}
	url := t.url()
	return t.repeat(func() error {
		response, err := c.Get(url)
		if err != nil {
			return err
		}
		size, err := io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if err != nil {
			return err
		}
		return t.check(response.StatusCode, int(size))
	})
}
