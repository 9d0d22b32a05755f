package evhttp

import (
	"encoding/base64"
	"fmt"
	"net/url"

	"golang.org/x/net/http/httpproxy"
)

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

// key returns what the connections of a route are found by. Requests in clear
// for any host share the connections to a proxy.
func (r *hostRoute) key() connKey {
	if r.proxy != "" && !r.secure {
		return connKey{proxy: r.proxy}
	}
	return connKey{r.secure, r.host, r.port, r.proxy}
}

// tunnelled reports whether the route leads through a proxy that does not get to see
// the requests.
func (r *hostRoute) tunnelled() bool { return r.proxy != "" && r.secure }

// ProxyFromEnvironment returns the Proxy of a [ClientConfig] that goes by the
// environment as it is now: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or the same in
// lower case.
func ProxyFromEnvironment() func(u *url.URL) (*url.URL, error) {
	return httpproxy.FromEnvironment().ProxyFunc()
}

// route returns how to reach the host of a URL.
func (c *Client) route(u *url.URL) (*hostRoute, error) {
	r := &hostRoute{secure: u.Scheme == "https"}
	if !r.secure && u.Scheme != "http" {
		return nil, fmt.Errorf("scheme %q: %w", u.Scheme, ErrInvalid)
	}
	var err error
	if r.host, r.port, err = splitHost(u); err != nil {
		return nil, err
	}
	if r.secure && c.cfg.Secure == nil {
		return nil, errNoTLS
	}
	if c.cfg.Proxy == nil {
		return r, nil
	}
	proxy, err := c.cfg.Proxy(u)
	if err != nil || proxy == nil {
		return r, err
	}
	return r, r.through(proxy)
}

// through has the route lead through a proxy.
func (r *hostRoute) through(proxy *url.URL) (err error) {
	if proxy.Scheme != "http" && proxy.Scheme != "https" {
		return fmt.Errorf("proxy with scheme %q: %w", proxy.Scheme, ErrInvalid)
	}
	r.proxy = proxy.String()
	r.proxySecure = proxy.Scheme == "https"
	if r.proxyHost, r.proxyPort, err = splitHost(proxy); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	if proxy.User != nil {
		r.proxyAuth = basicAuth(proxy.User)
	}
	return nil
}

// basicAuth returns the credentials of the Basic scheme (RFC 7617).
func basicAuth(user *url.Userinfo) string {
	password, _ := user.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
}
