package xmlrpc

import (
	"context"
	"fmt"
	"reflect"
	"time"
)

// Params embedded in a struct makes its other exported fields the parameters of a
// method, in their order; those of pointer types at the end may be left out:
//
//	type move struct {
//		xmlrpc.Params
//		From, To string
//		Force    *bool
//	}
type Params struct{}

// Func makes a method of a function with types of Go. In is the one parameter; struct{}
// stands for none, and a struct with [Params] for several. A call with a wrong number of
// parameters, or with ones that do not fit ([Into]), is answered with the fault
// [CodeInvalidParams], and a panic with [CodeInternalError]. system.methodSignature tells
// the types.
func Func[In, Out any](f func(ctx context.Context, in In) (Out, error)) Method {
	in := reflect.TypeFor[In]()
	slots := parameters(in)
	least := len(slots)
	for least > 0 && isPositional(in) && in.FieldByIndex(slots[least-1]).Type.Kind() == reflect.Pointer {
		least--
	}
	return Method{
		Signatures: signatures(in, slots, least, reflect.TypeFor[Out]()),
		Run: func(ctx context.Context, params []any) (any, error) {
			if len(params) < least || len(params) > len(slots) {
				return nil, &Fault{Code: CodeInvalidParams, String: fmt.Sprintf("want %s, got %d", counted(least, len(slots)), len(params))}
			}
			var arg In
			for i, v := range params {
				to := reflect.ValueOf(&arg).Elem()
				if isPositional(in) {
					to = to.FieldByIndex(slots[i])
				}
				if err := Into(v, to.Addr().Interface()); err != nil {
					return nil, &Fault{Code: CodeInvalidParams, String: fmt.Sprintf("parameter %d: want %s, got %s", i+1, typeName(to.Type()), typeName(reflect.TypeOf(v)))}
				}
			}
			out, err := f(ctx, arg)
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// CallInto calls a method and stores its value in what out points at, as [Into] does; nil
// drops it.
func (c *Client) CallInto(ctx context.Context, method string, out any, params ...any) error {
	v, err := c.Call(ctx, method, params...)
	if err != nil || out == nil {
		return err
	}
	return c.wrap(Into(v, out), "call")
}

// isPositional reports whether the fields of a type are the parameters.
func isPositional(in reflect.Type) bool {
	if in.Kind() != reflect.Struct {
		return false
	}
	f, ok := in.FieldByName("Params")
	return ok && f.Anonymous && f.Type == reflect.TypeFor[Params]()
}

// parameters returns the places of the parameters: fields, or the value itself.
func parameters(in reflect.Type) [][]int {
	switch {
	case in == reflect.TypeFor[struct{}]():
		return nil
	case !isPositional(in):
		return [][]int{nil}
	}
	var slots [][]int
	for i := range in.NumField() {
		if f := in.Field(i); f.IsExported() && !f.Anonymous {
			slots = append(slots, f.Index)
		}
	}
	return slots
}

func counted(least, most int) string {
	switch {
	case most == 1 && least == 1:
		return "1 parameter"
	case least == most:
		return fmt.Sprintf("%d parameters", most)
	}
	return fmt.Sprintf("%d to %d parameters", least, most)
}

// signatures returns one list of types for each number of parameters that a method takes.
func signatures(in reflect.Type, slots [][]int, least int, out reflect.Type) [][]string {
	var all [][]string
	for n := least; n <= len(slots); n++ {
		one := []string{typeName(out)}
		for _, slot := range slots[:n] {
			if slot == nil {
				one = append(one, typeName(in))
			} else {
				one = append(one, typeName(in.FieldByIndex(slot).Type))
			}
		}
		all = append(all, one)
	}
	return all
}

// typeName returns what XML-RPC calls a type; "undef" for one that may be any.
func typeName(t reflect.Type) string {
	if t == nil {
		return "nil"
	}
	switch {
	case t.Kind() == reflect.Pointer:
		return typeName(t.Elem())
	case t == reflect.TypeFor[time.Time](), t == reflect.TypeFor[DateTime]():
		return "dateTime.iso8601"
	case t == reflect.TypeFor[struct{}]():
		return "nil"
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return "base64"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Float32, reflect.Float64:
		return "double"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Struct, reflect.Map:
		return "struct"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "int"
	}
	return "undef"
}
