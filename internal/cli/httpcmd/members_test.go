package httpcmd

import (
	"encoding/json"
	"testing"
)

// TestMembersKeepTheirOrder: the object has its keys as they were typed; the last of two
// alike counts.
func TestMembersKeepTheirOrder(t *testing.T) {
	m := &members{values: map[string]any{}}
	for _, v := range []struct {
		name  string
		value any
	}{{"z", "1"}, {"a", json.RawMessage("[2]")}, {"m", "<&>"}, {"z", "3"}} {
		m.set(v.name, v.value)
	}
	if b, err := json.Marshal(m); err != nil || string(b) != `{"z":"3","a":[2],"m":"\u003c\u0026\u003e"}` {
		t.Errorf("%s, %v", b, err)
	}
}
