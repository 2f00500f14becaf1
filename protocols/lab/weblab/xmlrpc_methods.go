package weblab

import (
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// xmlrpcCall is a request. Values stay the XML that they came as: the server has
// no codec that could share a client's faults.
type xmlrpcCall struct {
	XMLName xml.Name      `xml:"methodCall"`
	Method  string        `xml:"methodName"`
	Params  []xmlrpcValue `xml:"params>param>value"`
}

// xmlrpcValue is a value, with the parts that the methods look into.
type xmlrpcValue struct {
	XML     string        `xml:",innerxml"`
	Plain   string        `xml:",chardata"`
	Int     string        `xml:"int"`
	String  string        `xml:"string"`
	Items   []xmlrpcValue `xml:"array>data>value"`
	Members []struct {
		Name  string      `xml:"name"`
		Value xmlrpcValue `xml:"value"`
	} `xml:"struct>member"`
}

// text returns a string, with or without a type.
func (v *xmlrpcValue) text() string {
	if v.String != "" {
		return v.String
	}
	return v.Plain
}

// xmlrpcMethod is a method: what it is for, its types with the result's first, and
// its result: the inner XML of a value, or a fault.
type xmlrpcMethod struct {
	help  string
	types string
	run   func(params []xmlrpcValue) (value string, fault string)
}

const typesValue = "<struct>" +
	"<member><name>int</name><value><int>-7</int></value></member>" +
	"<member><name>i8</name><value><i8>9007199254740993</i8></value></member>" +
	"<member><name>double</name><value><double>1.5</double></value></member>" +
	"<member><name>boolean</name><value><boolean>1</boolean></value></member>" +
	"<member><name>string</name><value>a &lt;plain&gt; text</value></member>" +
	"<member><name>date</name><value><dateTime.iso8601>19980717T14:08:55</dateTime.iso8601></value></member>" +
	"<member><name>base64</name><value><base64>AAEC/w==</base64></value></member>" +
	"<member><name>nil</name><value><nil/></value></member>" +
	"<member><name>array</name><value><array><data><value><i4>1</i4></value><value>two</value></data></array></value></member>" +
	"</struct>"

// table is the server's methods.
func (s *XMLRPCServer) table() map[string]xmlrpcMethod {
	return map[string]xmlrpcMethod{
		"echo":      {"returns its argument", "string,string", echoValue},
		"add":       {"adds whole numbers", "int,int,int", addValues},
		"types":     {"returns a value of each type", "struct", func([]xmlrpcValue) (string, string) { return typesValue, "" }},
		"fault":     {"fails with code 42", "int", func([]xmlrpcValue) (string, string) { return "", faultXML(42, "this method fails") }},
		"wordfault": {"fails with a code that is a word", "int", wordFault},

		"system.listMethods": {"names of all methods", "array", s.listMethods},
		"system.methodHelp":  {"what a method is for", "string,string", s.about(func(m xmlrpcMethod) string { return "<string>" + escapeXML(m.help) + "</string>" })},
		"system.methodSignature": {"types of a method", "array,string", s.about(func(m xmlrpcMethod) string {
			return arrayXML("<array>" + dataXML(strings.Split(m.types, ",")) + "</array>")
		})},
		"system.multicall": {"makes many calls", "array,array", s.multicall},
	}
}

// call returns the whole answer to a call.
func (s *XMLRPCServer) call(c *xmlrpcCall) string {
	value, fault := s.run(c.Method, c.Params)
	if fault != "" {
		return fault
	}
	return "<?xml version='1.0'?>\n<methodResponse><params><param><value>" + value + "</value></param></params></methodResponse>\n"
}

func (s *XMLRPCServer) run(method string, params []xmlrpcValue) (value, fault string) {
	m, ok := s.methods[method]
	if !ok {
		return "", faultXML(-32601, "method "+method+" not found")
	}
	return m.run(params)
}

func echoValue(params []xmlrpcValue) (string, string) {
	if len(params) != 1 {
		return "", faultXML(-32602, "echo wants one argument")
	}
	return params[0].XML, ""
}

func addValues(params []xmlrpcValue) (string, string) {
	sum := 0
	for _, p := range params {
		n, err := strconv.Atoi(p.Int)
		if err != nil {
			return "", faultXML(-32602, "add wants whole numbers")
		}
		sum += n
	}
	return "<int>" + strconv.Itoa(sum) + "</int>", ""
}

func wordFault([]xmlrpcValue) (string, string) {
	return "", faultDocument("<string>Client.Auth</string>", "the code is a word")
}

func (s *XMLRPCServer) listMethods([]xmlrpcValue) (string, string) {
	return "<array>" + dataXML(slices.Sorted(maps.Keys(s.methods))) + "</array>", ""
}

// about returns something of the method that the argument names.
func (s *XMLRPCServer) about(show func(xmlrpcMethod) string) func([]xmlrpcValue) (string, string) {
	return func(params []xmlrpcValue) (string, string) {
		if len(params) != 1 {
			return "", faultXML(-32602, "want the name of a method")
		}
		m, ok := s.methods[params[0].text()]
		if !ok {
			return "", faultXML(-32601, "method "+params[0].text()+" not found")
		}
		return show(m), ""
	}
}

func (s *XMLRPCServer) multicall(params []xmlrpcValue) (string, string) {
	if len(params) != 1 {
		return "", faultXML(-32602, "want an array of calls")
	}
	var out strings.Builder
	for _, call := range params[0].Items {
		var name string
		var args []xmlrpcValue
		for _, m := range call.Members {
			switch m.Name {
			case "methodName":
				name = m.Value.text()
			case "params":
				args = m.Value.Items
			}
		}
		if name == "system.multicall" {
			out.WriteString("<value>" + faultStruct("<int>-32600</int>", "a multicall in a multicall") + "</value>")
			continue
		}
		value, fault := s.run(name, args)
		if fault != "" {
			_, rest, _ := strings.Cut(fault, "<fault>")
			inner, _, _ := strings.Cut(rest, "</fault>")
			out.WriteString(inner)
			continue
		}
		out.WriteString("<value>" + arrayXML(value) + "</value>")
	}
	return "<array><data>" + out.String() + "</data></array>", ""
}

// arrayXML is an array of one value.
func arrayXML(value string) string {
	return "<array><data><value>" + value + "</value></data></array>"
}

// dataXML is the data of an array of strings.
func dataXML(texts []string) string {
	var b strings.Builder
	for _, t := range texts {
		b.WriteString("<value><string>" + escapeXML(t) + "</string></value>")
	}
	return "<data>" + b.String() + "</data>"
}

func escapeXML(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s))
	return b.String()
}

func faultXML(code int, text string) string {
	return faultDocument(fmt.Sprintf("<int>%d</int>", code), text)
}

func faultDocument(code, text string) string {
	return "<?xml version='1.0'?>\n<methodResponse><fault><value>" + faultStruct(code, text) + "</value></fault></methodResponse>\n"
}

func faultStruct(code, text string) string {
	return "<struct><member><name>faultCode</name><value>" + code + "</value></member>" +
		"<member><name>faultString</name><value><string>" + escapeXML(text) + "</string></value></member></struct>"
}
