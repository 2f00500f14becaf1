package xmlrpc

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/labtest"
)

// volume has two members, one with another name.
type volume struct {
	Title string `xmlrpc:"title"`
	Year  int
}

// span is what several parameters are read into.
type span struct {
	Params
	From, To int
	Step     *int
	Name     *string
}

func typed() *Server {
	return &Server{Methods: map[string]Method{
		"older": Func(func(_ context.Context, b volume) (volume, error) { b.Year--; return b, nil }),
		"now": Func(func(context.Context, struct{}) (time.Time, error) {
			return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), nil
		}),
		"count": Func(func(_ context.Context, s span) ([]int, error) {
			step, out := 1, []int{}
			if s.Step != nil {
				step = *s.Step
			}
			for i := s.From; i < s.To; i += step {
				out = append(out, i)
			}
			return out, nil
		}),
		"sum": Func(func(_ context.Context, all []float64) (sum float64, err error) {
			for _, v := range all {
				sum += v
			}
			return sum, nil
		}),
		"fail":  Func(func(context.Context, string) (bool, error) { return false, &Fault{Code: 7, String: "no"} }),
		"panic": Func(func(_ context.Context, m map[string]int) (int, error) { return 1 / m["no"], nil }),
	}}
}

// TestFunc: values of Go on both sides, and what does not fit is a fault.
func TestFunc(t *testing.T) {
	c := labtest.Open(t, New, serve(t, typed()), nil)
	var b volume
	if err := c.CallInto(t.Context(), "older", &b, volume{"Emma", 1816}); err != nil || b != (volume{"Emma", 1815}) {
		t.Errorf("%+v, %v", b, err)
	}
	var at time.Time
	if err := c.CallInto(t.Context(), "now", &at); err != nil || at.Year() != 2026 {
		t.Errorf("%v, %v", at, err)
	}
	for _, row := range []struct {
		params []any
		want   []int
	}{{[]any{1, 4}, []int{1, 2, 3}}, {[]any{1, 6, 2}, []int{1, 3, 5}}, {[]any{1, 6, 2, "x"}, []int{1, 3, 5}}} {
		var got []int
		if err := c.CallInto(t.Context(), "count", &got, row.params...); err != nil || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%v: %v, %v", row.params, got, err)
		}
	}
	var sum float64
	if err := c.CallInto(t.Context(), "sum", &sum, []any{1, 2.5}); err != nil || sum != 3.5 {
		t.Errorf("%v, %v", sum, err)
	}
	if err := c.CallInto(t.Context(), "now", nil); err != nil {
		t.Error(err)
	}
	if err := c.CallInto(t.Context(), "now", &sum); err == nil {
		t.Error("a date went into a number")
	}
	for name, row := range map[string]struct {
		method string
		params []any
		code   int64
	}{
		"too few": {"count", []any{1}, CodeInvalidParams}, "too many": {"count", []any{1, 2, 3, "x", 5}, CodeInvalidParams},
		"none for one": {"older", nil, CodeInvalidParams}, "one for none": {"now", []any{1}, CodeInvalidParams},
		"another type": {"count", []any{"a", 2}, CodeInvalidParams}, "an inner type": {"older", []any{map[string]any{"Year": "x"}}, CodeInvalidParams},
		"its own fault": {"fail", []any{""}, 7}, "a panic": {"panic", []any{map[string]any{}}, CodeInternalError},
	} {
		_, err := c.Call(t.Context(), row.method, row.params...)
		if f, ok := errors.AsType[*Fault](err); !ok || int64(f.Code) != row.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := c.Signatures(t.Context(), "count"); err != nil || fmt.Sprint(got) != "[[array int int] [array int int int] [array int int int string]]" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := c.Signatures(t.Context(), "older"); err != nil || fmt.Sprint(got) != "[[struct struct]]" {
		t.Errorf("%v, %v", got, err)
	}
}

func ExampleFunc() {
	server := httptest.NewServer(&Server{Methods: map[string]Method{
		"greet": Func(func(_ context.Context, name string) (string, error) { return "hello " + name, nil }),
	}})
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := New(u, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	var greeting string
	err = c.CallInto(context.Background(), "greet", &greeting, "Ann")
	fmt.Println(greeting, err)
	fmt.Println(c.CallInto(context.Background(), "greet", nil, 1, 2) != nil)
	// Output:
	// hello Ann <nil>
	// true
}
