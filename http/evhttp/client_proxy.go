package evhttp

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/net/idna"
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

// asciiHost returns the name by which a host is looked up.
func asciiHost(host string) (string, error) {
	for i := range len(host) {
		if host[i] >= 0x80 {
			name, err := idna.Lookup.ToASCII(host)
			if err != nil {
				return "", fmt.Errorf("host %q: %w: %w", host, ErrInvalid, err)
			}
			return name, nil
		}
	}
	return strings.ToLower(host), nil
}

func parsePort(text string) (int, error) {
	port, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("port %q: %w", text, ErrInvalid)
	}
	return port, nil
}
