package golang

import (
	"cmp"
	"go/token"
	"slices"
	"strings"

	"github.com/go-libevent/libevent/tools/evrpcgen/internal/schema"
)

// camel returns a name of C as a name that Go exports: from_name is FromName, KEY_LEN is
// KeyLen.
func camel(name string) string {
	shout := name == strings.ToUpper(name)
	var b strings.Builder
	upper := true
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_':
			upper = true
			continue
		case upper:
			c = upperByte(c)
		case shout:
			c = lowerByte(c)
		}
		if b.Len() == 0 && '0' <= c && c <= '9' {
			b.WriteByte('X')
		}
		upper = '0' <= c && c <= '9'
		b.WriteByte(c)
	}
	if b.Len() == 0 {
		return "X"
	}
	return b.String()
}

// lowerFirst returns an exported name as one that is not.
func lowerFirst(name string) string { return string(lowerByte(name[0])) + name[1:] }

func upperByte(c byte) byte {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// methods are those of all messages.
var methods = []string{
	"Reset", "Complete", "AppendTo", "Unmarshal", "UnmarshalWith", "RecordsSize", "AppendRecords", "ParseRecords",
	"missing", "parseField", "complete",
}

// A scope has the names of a package, or of the fields and methods of a type.
type scope map[string]bool

// add adds names, all of them or none, and reports whether none was there.
func (s scope) add(names ...string) bool {
	for _, name := range names {
		if s[name] || token.IsKeyword(name) {
			return false
		}
	}
	for _, name := range names {
		s[name] = true
	}
	return true
}

// fieldNames gives the fields of a struct their names, those of C in CamelCase. If a method
// is named so already, an underscore is put behind.
func fieldNames(s *schema.Struct) map[*schema.Field]string {
	taken := make(scope)
	taken.add(methods...)
	names := make(map[*schema.Field]string)
	for _, f := range s.Fields {
		name := camel(f.Name)
		for !taken.add(members(f, name)...) {
			name += "_"
		}
		names[f] = name
	}
	return names
}

// members returns the names of a field, and of its methods.
func members(f *schema.Field, name string) []string {
	all := []string{lowerFirst(name), name, "Set" + name, "Clear" + name}
	switch {
	case f.Array && f.Kind == schema.Message:
		return append(all, "Add"+name, "AddNew"+name)
	case f.Array:
		return append(all, "Add"+name)
	case f.Kind == schema.Message:
		return append(all, "Has"+name, "Mutable"+name)
	}
	return append(all, "Has"+name, "has"+name)
}

// Check looks for names of different things that are the same in Go.
func Check(s *schema.Schema) error {
	taken := make(map[string]schema.Pos)
	var errs schema.Errors
	claim := func(at schema.Pos, what string, names ...string) {
		for _, name := range names {
			if other, ok := taken[name]; ok {
				errs = append(errs, &schema.Error{Pos: at, Text: what + " needs the Go name " + name + ", which is taken at " + other.String()})
				return
			}
			taken[name] = at
		}
	}
	for _, file := range slices.Concat(s.Files, s.Included) {
		if file.ImportPath != "" {
			continue
		}
		for _, m := range file.Structs {
			claim(m.Pos, "struct "+m.Name, camel(m.Name))
		}
		for _, r := range file.RPCs {
			name := camel(r.Name)
			claim(r.Pos, "RPC "+r.Name, "Register"+name, "Make"+name, "Invoke"+name)
		}
		for _, c := range usedConsts(s, file) {
			claim(c.Pos, "#define "+c.Name, camel(c.Name))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	slices.SortStableFunc(errs, func(a, b *schema.Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return errs
}

// usedConsts returns the constants of a file that are lengths of fields somewhere.
func usedConsts(s *schema.Schema, file *schema.File) []*schema.Const {
	used := make(map[string]bool)
	for _, f := range slices.Concat(s.Files, s.Included) {
		if f.ImportPath != "" {
			continue
		}
		for _, m := range f.Structs {
			for _, field := range m.Fields {
				used[field.LengthName] = true
			}
		}
	}
	var consts []*schema.Const
	for _, c := range file.Consts {
		if used[c.Name] {
			consts = append(consts, c)
		}
	}
	return consts
}
