package schema

import (
	"fmt"
	"strings"
)

// check looks at what files say together, and finds what names stand for.
func (r *run) check() {
	structs := make(map[string]*Struct)
	rpcs := make(map[string]*RPC)
	for _, file := range r.order {
		for _, s := range file.Structs {
			if other := structs[s.Name]; other != nil {
				r.errors.add(s.Pos, "struct %s is there already, at %v", s.Name, other.Pos)
				continue
			}
			structs[s.Name] = s
			r.checkFields(s)
		}
		for _, rpc := range file.RPCs {
			if other := rpcs[rpc.Name]; other != nil {
				r.errors.add(rpc.Pos, "RPC %s is there already, at %v", rpc.Name, other.Pos)
			}
			rpcs[rpc.Name] = rpc
		}
	}
	for _, file := range r.order {
		r.resolve(file, structs)
	}
	for _, file := range r.order {
		for _, s := range file.Structs {
			s.Recursive = reaches(s, s, make(map[*Struct]bool), false)
			if reaches(s, s, make(map[*Struct]bool), true) {
				r.errors.add(s.Pos, "struct %s can never be complete: it requires itself", s.Name)
			}
		}
	}
}

// checkFields looks for names and tags that are there twice.
func (r *run) checkFields(s *Struct) {
	names, tags := make(map[string]*Field), make(map[uint32]*Field)
	for _, f := range s.Fields {
		if other := names[f.Name]; other != nil {
			r.errors.add(f.Pos, "field %s is there already, at %v", f.Name, other.Pos)
		} else if other := tags[f.Tag]; other != nil {
			r.errors.add(f.Pos, "field %s has tag %d, which is that of %s, at %v", f.Name, f.Tag, other.Name, other.Pos)
		}
		names[f.Name], tags[f.Tag] = f, f
	}
}

// resolve finds the structs that a file names.
func (r *run) resolve(file *File, structs map[string]*Struct) {
	for _, s := range file.Structs {
		for _, f := range s.Fields {
			if f.Kind == Message {
				f.Ref = r.find(f.ref, f.refPos, structs)
			}
		}
	}
	for _, rpc := range file.RPCs {
		rpc.Request = r.find(rpc.request, rpc.requestPos, structs)
		rpc.Reply = r.find(rpc.reply, rpc.replyPos, structs)
	}
}

func (r *run) find(name string, at Pos, structs map[string]*Struct) *Struct {
	s := structs[name]
	if s != nil {
		return s
	}
	hint := ""
	if len(r.missing) > 0 {
		hint = fmt.Sprintf(" (there is no .rpc file for the included %s)", strings.Join(r.missing, ", "))
	}
	r.errors.add(at, "struct %s is not defined%s", name, hint)
	return nil
}

// reaches reports whether a message s can contain a message to, or, if required is set, has
// to. The visited ones were looked at.
func reaches(s, to *Struct, visited map[*Struct]bool, required bool) bool {
	for _, f := range s.Fields {
		if f.Ref == nil || required && !f.Required() {
			continue
		}
		if f.Ref == to {
			return true
		}
		if visited[f.Ref] {
			continue
		}
		visited[f.Ref] = true
		if reaches(f.Ref, to, visited, required) {
			return true
		}
	}
	return false
}
