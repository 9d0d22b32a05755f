package evcert

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/crypto/ocsp"
)

// FetchStaple asks the OCSP responders that a certificate names about it, with
// net/http's default client, and returns the first answer; it is not verified.
// It is the default of StaplerConfig.Fetch. The error is ErrNoResponder
// if the certificate names none. It waits for the network, so it must not be
// called from a loop.
func FetchStaple(ctx context.Context, cert, issuer *x509.Certificate) ([]byte, error) {
	return fetchStaple(ctx, http.DefaultClient, cert, issuer)
}

// FetchStapleBy returns a function like FetchStaple that asks with another client than
// net/http's default one, such as one that goes by a proxy, or by the loop
// with evnethttp's transport.
func FetchStapleBy(client *http.Client) StapleFetcher {
	return func(ctx context.Context, cert, issuer *x509.Certificate) ([]byte, error) {
		return fetchStaple(ctx, client, cert, issuer)
	}
}

func fetchStaple(ctx context.Context, client *http.Client, cert, issuer *x509.Certificate) ([]byte, error) {
	if len(cert.OCSPServer) == 0 {
		return nil, opError("fetch OCSP response", ErrNoResponder)
	}
	request, err := ocsp.CreateRequest(cert, issuer, nil)
	if err != nil {
		return nil, opError("fetch OCSP response", err)
	}
	var errs []error
	for _, server := range cert.OCSPServer {
		response, err := askResponder(ctx, client, server, request)
		if err == nil {
			return response, nil
		}
		errs = append(errs, err)
	}
	return nil, opError("fetch OCSP response", errors.Join(errs...))
}

// askResponder asks by GET, if the request is short, and otherwise or if that
// is refused by POST (RFC 6960 appendix A.1).
func askResponder(ctx context.Context, client *http.Client, server string, request []byte) ([]byte, error) {
	get := strings.TrimSuffix(server, "/") + "/" + url.QueryEscape(base64.StdEncoding.EncodeToString(request))
	if len(get) <= maxGetURL {
		if response, err := exchange(ctx, client, http.MethodGet, get, nil); err == nil {
			return response, nil
		}
	}
	return exchange(ctx, client, http.MethodPost, server, request)
}

// exchange sends one request and returns the body of the response.
func exchange(ctx context.Context, client *http.Client, method, url string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/ocsp-request")
	}
	req.Header.Set("Accept", "application/ocsp-response")
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: status %s", method, url, res.Status)
	}
	response, err := io.ReadAll(io.LimitReader(res.Body, maxStaple+1))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	if len(response) > maxStaple {
		return nil, fmt.Errorf("%s %s: response is longer than %d bytes", method, url, maxStaple)
	}
	return response, nil
}
