package golang

import "testing"

func TestNamesOfCBecomeNamesOfGo(t *testing.T) {
	for name, want := range map[string]string{
		"kill": "Kill", "how_often": "HowOften", "KEY_SIZE": "KeySize", "KEY": "Key", "fromName": "FromName", "FromName": "FromName",
		"HTTPStatus": "HTTPStatus", "_private": "Private", "a__b_": "AB", "_": "X", "_1": "X1", "v2beta": "V2Beta", "x": "X", "utf8": "Utf8",
	} {
		if got := camel(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestPackagesAreImportedByNamesThatAreFree(t *testing.T) {
	w := &writer{}
	for _, tt := range []struct{ path, want string }{
		{"example.com/common", "common"}, {"example.com/other/common", "common_"}, {"example.com/common/v2", "common__"},
		{"example.com/evtag", "rpcevtag"}, {"example.com/my-app.v1", "myappv1"}, {"example.com/7", "rpc7"}, {"v3", "v3"},
	} {
		name := w.importName(tt.path)
		if name != tt.want {
			t.Errorf("%s is %s, want %s", tt.path, name, tt.want)
		}
		w.imports = append(w.imports, importView{name, tt.path})
	}
}
