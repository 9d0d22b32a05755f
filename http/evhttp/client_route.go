package evhttp

import (
	"encoding/base64"
	"fmt"
	"net/url"

	"golang.org/x/net/http/httpproxy"
)

// ProxyFromEnvironment returns the Proxy of a [ClientConfig] that goes by the
// environment as it is now: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or the same in
// lower case.
func ProxyFromEnvironment() func(u *url.URL) (*url.URL, error) {
	return httpproxy.FromEnvironment().ProxyFunc()
}

// route returns how to reach the host of a URL.
func (c *Client) route(u *url.URL) (*hostRoute, error) {
	w := &hostRoute{secure: u.Scheme == "https"}
	if !w.secure && u.Scheme != "http" {
		return nil, fmt.Errorf("scheme %q: %w", u.Scheme, ErrInvalid)
	}
	var err error
	if w.host, w.port, err = splitHost(u); err != nil {
		return nil, err
	}
	if w.secure && c.cfg.Secure == nil {
		return nil, errNoTLS
	}
	if c.cfg.Proxy == nil {
		return w, nil
	}
	proxy, err := c.cfg.Proxy(u)
	if err != nil || proxy == nil {
		return w, err
	}
	return w, w.through(proxy)
}

// through has the way go through a proxy.
func (w *hostRoute) through(proxy *url.URL) (err error) {
	if proxy.Scheme != "http" && proxy.Scheme != "https" {
		return fmt.Errorf("proxy with scheme %q: %w", proxy.Scheme, ErrInvalid)
	}
	w.proxy = proxy.String()
	w.proxySecure = proxy.Scheme == "https"
	if w.proxyHost, w.proxyPort, err = splitHost(proxy); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	if proxy.User != nil {
		w.proxyAuth = basicAuth(proxy.User)
	}
	return nil
}

// basicAuth returns the credentials of the Basic scheme (RFC 7617).
func basicAuth(user *url.Userinfo) string {
	password, _ := user.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
}

// A hostRoute is how a host is reached; requests that have the same one share
// connections.
type hostRoute struct {
	secure      bool
	host        string // that is asked for
	port        int
	proxy       string // its URL, or nothing
	proxySecure bool
	proxyHost   string // to connect to in place of the host
	proxyPort   int
	proxyAuth   string
}

// A connKey is what makes a route different from others.
type connKey struct {
	secure bool
	host   string
	port   int
	proxy  string
}

// name returns what the connections of a route are found by. Requests in clear
// for any host share the connections to a proxy.
func (w *hostRoute) name() connKey {
	if w.proxy != "" && !w.secure {
		return connKey{proxy: w.proxy}
	}
	return connKey{w.secure, w.host, w.port, w.proxy}
}

// tunnelled reports whether the route goes through a proxy that does not get to see
// the requests.
func (w *hostRoute) tunnelled() bool { return w.proxy != "" && w.secure }
