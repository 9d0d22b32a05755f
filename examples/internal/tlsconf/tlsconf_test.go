package tlsconf_test

import (
	"crypto/tls"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/go-libevent/libevent/examples/internal/tlsconf"
)

func ExampleFingerprint() {
	fmt.Println(tlsconf.Fingerprint(nil))
	// Output: E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55
}

func TestDescribe(t *testing.T) {
	state := tls.ConnectionState{Version: tls.VersionTLS12, CipherSuite: tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	const want = "TLS 1.2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
	if got := tlsconf.Describe(state); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	state.NegotiatedProtocol = "h2"
	if got := tlsconf.Describe(state); got != want+", protocol h2" {
		t.Errorf("%q, want the protocol in it", got)
	}
}

func TestClientExpectsTheNameOfTheHostUnlessToldAnother(t *testing.T) {
	for args, want := range map[string]*tls.Config{
		"":                            {ServerName: "host"},
		"-servername other":           {ServerName: "other"},
		"-insecure":                   {ServerName: "host", InsecureSkipVerify: true},
		"-insecure -servername other": {ServerName: "other", InsecureSkipVerify: true},
	} {
		var v tlsconf.Verification
		set := flag.NewFlagSet(t.Name(), flag.ContinueOnError)
		v.Flags(set)
		if err := set.Parse(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		got, err := v.Client("host")
		if err != nil {
			t.Fatal(err)
		}
		if got.ServerName != want.ServerName || got.InsecureSkipVerify != want.InsecureSkipVerify || got.RootCAs != nil {
			t.Errorf("%q leads to the name %q, insecure %v", args, got.ServerName, got.InsecureSkipVerify)
		}
	}
}
