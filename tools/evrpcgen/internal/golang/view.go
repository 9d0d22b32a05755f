package golang

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/go-libevent/libevent/tools/evrpcgen/internal/schema"
)

// A messageView is what the templates ask about a message.
type messageView struct {
	Go, C  string
	From   string
	Doc    string
	Fields []*fieldView
	// Recursive says that messages of this type may contain each other.
	Recursive bool
	Limits    string
	Depth     string
}

// message returns the view of a struct.
func (w *writer) message(s *schema.Struct) *messageView {
	m := &messageView{
		Go: camel(s.Name), C: s.Name, From: filepath.Base(s.File.Path), Doc: s.Doc, Recursive: s.Recursive,
		Limits: w.config.limits(), Depth: "evtag.DefaultMaxDepth",
	}
	if w.config.MaxDepth != 0 {
		m.Depth = fmt.Sprint(max(w.config.MaxDepth, 0))
	}
	names := fieldNames(s)
	for _, f := range s.Fields {
		m.Fields = append(m.Fields, w.field(m, f, names[f]))
	}
	return m
}

// Required returns the fields that have to be set.
func (m *messageView) Required() []*fieldView {
	var required []*fieldView
	for _, f := range m.Fields {
		if f.Required {
			required = append(required, f)
		}
	}
	return required
}

// Kept returns the fields whose memory is used again.
func (m *messageView) Kept() []*fieldView {
	var kept []*fieldView
	for _, f := range m.Fields {
		if f.Array || f.Method == "Bytes" {
			kept = append(kept, f)
		}
	}
	return kept
}

// A fieldView is what the templates ask about a field.
type fieldView struct {
	Go, C, Doc string
	Full       string // the name of the struct and that of the field
	Message    string // the Go name of the message that the field is of
	Var        string // the field of the Go type
	Has        string // that which says that it is set; "" for messages and arrays
	Set        string // a condition
	Tag        string
	Required   bool
	Array      bool
	Struct     bool
	Type       string
	Elem       string // the type of an element of an array, without the star of a message
	Method     string // the one of evtag.Parser
	// Complete calls the method of a message within this one, which is named v.
	Complete string
}

// field returns the view of a field, whose Go name is given.
func (w *writer) field(m *messageView, f *schema.Field, name string) *fieldView {
	v := &fieldView{
		Go: name, C: f.Name, Full: m.C + "_" + f.Name, Doc: f.Doc, Message: m.Go, Var: lowerFirst(name), Has: "has" + name, Tag: fmt.Sprint(f.Tag),
		Required: f.Required(), Array: f.Array, Struct: f.Kind == schema.Message,
	}
	v.Set = "m." + v.Has
	w.setType(v, f)
	switch {
	case f.Array:
		v.Has, v.Set, v.Type = "", "len(m."+v.Var+") > 0", "[]"+v.Type
	case v.Struct:
		v.Has, v.Set = "", "m."+v.Var+" != nil"
	}
	v.Complete = "Complete()"
	if v.Struct && m.Recursive && f.Ref.Recursive && f.Ref.File.ImportPath == "" {
		v.Complete = "complete(depth - 1)"
	}
	return v
}

// setType sets what follows from the type of a field.
func (w *writer) setType(v *fieldView, f *schema.Field) {
	switch f.Kind {
	case schema.Int:
		v.Type, v.Method = "uint32", "Int"
	case schema.Int64:
		v.Type, v.Method = "uint64", "Int64"
	case schema.String:
		v.Type, v.Method = "string", "String"
	case schema.Bytes:
		v.Type, v.Method = "[]byte", "Bytes"
	case schema.Fixed:
		v.Type, v.Method = "["+w.length(f)+"]byte", "Fixed"
	case schema.Message:
		v.Elem = w.typeName(f.Ref)
		v.Type = "*" + v.Elem
		return
	}
	v.Elem = v.Type
}

// length returns the length of bytes, by its name if that is a constant of the package.
func (w *writer) length(f *schema.Field) string {
	for _, file := range append(w.schema.Files, w.schema.Included...) {
		if file.ImportPath != "" {
			continue
		}
		for _, c := range file.Consts {
			if c.Name == f.LengthName && c.Value == int64(f.Length) {
				return camel(c.Name)
			}
		}
	}
	return fmt.Sprint(f.Length)
}

// Size is an expression for the number of bytes of the record, or of that of the element v.
func (f *fieldView) Size() string {
	value := f.Value()
	switch {
	case f.Struct:
		return fmt.Sprintf("evtag.SizeRecord(%s, %s.RecordsSize())", f.Tag, value)
	case f.number():
		return fmt.Sprintf("evtag.SizeIntRecord(%s, %s)", f.Tag, f.wide())
	}
	return fmt.Sprintf("evtag.SizeRecord(%s, len(%s))", f.Tag, value)
}

// Append is an expression for dst with the record behind.
func (f *fieldView) Append() string {
	switch {
	case f.number():
		return fmt.Sprintf("evtag.AppendIntRecord(dst, %s, %s)", f.Tag, f.wide())
	case f.Method == "Fixed":
		return fmt.Sprintf("evtag.AppendRecord(dst, %s, %s[:])", f.Tag, f.Value())
	}
	return fmt.Sprintf("evtag.AppendRecord(dst, %s, %s)", f.Tag, f.Value())
}

func (f *fieldView) number() bool { return f.Method == "Int" || f.Method == "Int64" }

// wide is the number as a uint64.
func (f *fieldView) wide() string {
	if f.Method == "Int" {
		return "uint64(" + f.Value() + ")"
	}
	return f.Value()
}

// Value is the field, or the element of the array.
func (f *fieldView) Value() string {
	if f.Array {
		return "v"
	}
	return "m." + f.Var
}

// Parse is a call of evtag.Parser that stores the payload in the field.
func (f *fieldView) Parse() string {
	switch {
	case f.Array:
		return fmt.Sprintf("r.Add%s(&m.%s)", f.Method, f.Var)
	case f.Method == "Fixed":
		return fmt.Sprintf("r.Fixed(m.%s[:], &m.%s)", f.Var, f.Has)
	}
	return fmt.Sprintf("r.%s(&m.%s, &m.%s)", f.Method, f.Var, f.Has)
}

// Unset says what a field is that is not set.
func (f *fieldView) Unset() string {
	switch f.Method {
	case "Int", "Int64":
		return "0"
	case "String":
		return "the empty string"
	case "Fixed":
		return "zeros"
	}
	return "nil"
}

// comment returns text as lines of a comment.
func comment(text string) string {
	if text == "" {
		return ""
	}
	return "//\n// " + strings.ReplaceAll(text, "\n", "\n// ")
}

// behind returns the first line of text as a comment behind a field.
func behind(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	if first == "" {
		return ""
	}
	return " // " + first
}
