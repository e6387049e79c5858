package expression

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"strconv"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
)

// Numbers are exact: integers of 64 bits, and decimals that float64 gives back as they were written. Such can
// be compared as they are; what an operator makes of them is worked out in decimals and has to be such a number
// again, or else there is no result. Quotients alone are rounded.
var errInexact = errors.New("a number comes out that an expression cannot hold exactly")

const (
	// MaxDecimal is what a number that is no integer must be below, without its sign: from here on float64 has
	// no fractions, and may not tell an integer from the next one.
	MaxDecimal = 1 << 53
	// quotientDigits are kept of a quotient, so that it can be multiplied and added to.
	quotientDigits = 15
	// maxPower bounds exponents.
	maxPower = 64
)

// exactly are the functions that take the place of operators and of sums.
var exactly = map[string]string{"+": "plus", "-": "minus", "*": "times", "/": "over", "**": "power", "^": "power", "sum": "total"}

// arithmetic offers those functions, and puts them in.
func arithmetic() []expr.Option {
	options := []expr.Option{expr.Patch(exactness{}), expr.Function("total", total, new(func(any) any))}
	for _, name := range []string{"plus", "minus", "times", "over", "power"} {
		options = append(options, expr.Function(name, operation(name), new(func(any, any) any)))
	}
	return options
}

// exactness puts exact functions in the place of operators.
type exactness struct{}

// Visit implements ast.Visitor.
func (exactness) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		if name, known := exactly[n.Operator]; known && mayBeNumber(n.Left) && mayBeNumber(n.Right) {
			ast.Patch(node, call(name, n.Left, n.Right))
		}
	case *ast.BuiltinNode:
		if n.Name != "sum" {
			return
		}
		items := n.Arguments[0]
		if len(n.Arguments) > 1 {
			items = &ast.BuiltinNode{Name: "map", Arguments: n.Arguments}
		}
		ast.Patch(node, call(exactly[n.Name], items))
	case *ast.FloatNode:
		if whole := int(n.Value); math.Abs(n.Value) < math.MaxInt64 && float64(whole) == n.Value {
			ast.Patch(node, &ast.IntegerNode{Value: whole})
		}
	}
}

func call(function string, arguments ...ast.Node) *ast.CallNode {
	return &ast.CallNode{Callee: &ast.IdentifierNode{Value: function}, Arguments: arguments}
}

// mayBeNumber tells whether a node is a number, or of a type that is known only when it is there.
func mayBeNumber(node ast.Node) bool {
	t := node.Type()
	if t == nil {
		return true
	}
	switch t.Kind() {
	case reflect.Interface, reflect.Float64:
		return true
	}
	return t == reflect.TypeFor[int]()
}

// operation is one of two operands.
func operation(name string) func(...any) (any, error) {
	return func(operands ...any) (any, error) {
		a, isText := operands[0].(string)
		b, alike := operands[1].(string)
		if name == "plus" && isText && alike {
			return a + b, nil
		}
		x, errX := rational(operands[0])
		y, errY := rational(operands[1])
		if err := errors.Join(errX, errY); err != nil {
			return nil, err
		}
		switch name {
		case "plus":
			return number(x.Add(x, y))
		case "minus":
			return number(x.Sub(x, y))
		case "times":
			return number(x.Mul(x, y))
		case "over":
			return quotient(x, y)
		}
		return power(x, y)
	}
}

// total adds the items of an array.
func total(operands ...any) (any, error) {
	items, ok := operands[0].([]any)
	if !ok {
		return nil, errValue
	}
	sum := new(big.Rat)
	for _, item := range items {
		n, err := rational(item)
		if err != nil {
			return nil, err
		}
		sum.Add(sum, n)
	}
	return number(sum)
}

// rational is a number as it was written.
func rational(v any) (*big.Rat, error) {
	switch v := v.(type) {
	case int:
		return new(big.Rat).SetInt64(int64(v)), nil
	case float64:
		if n, ok := new(big.Rat).SetString(strconv.FormatFloat(v, 'g', -1, 64)); ok {
			return n, nil
		}
		return nil, errInexact // infinite
	}
	return nil, errValue
}

// number is what an expression holds of a result.
func number(n *big.Rat) (any, error) {
	if n.IsInt() {
		if !n.Num().IsInt64() {
			return nil, errInexact
		}
		return int(n.Num().Int64()), nil
	}
	f, _ := n.Float64()
	if back, err := rational(f); err != nil || back.Cmp(n) != 0 || math.Abs(f) >= MaxDecimal {
		return nil, errInexact
	}
	return f, nil
}

// quotient is exact if it can be, else rounded.
func quotient(x, y *big.Rat) (any, error) {
	if y.Sign() == 0 {
		return nil, errInexact
	}
	x.Quo(x, y)
	if exact, err := number(x); err == nil {
		return exact, nil
	}
	f, _ := x.Float64()
	return strconv.ParseFloat(strconv.FormatFloat(f, 'g', quotientDigits, 64), 64)
}

func power(x, y *big.Rat) (any, error) {
	if !y.IsInt() || y.Sign() < 0 || y.Cmp(big.NewRat(maxPower, 1)) > 0 {
		return nil, errInexact
	}
	product := big.NewRat(1, 1)
	for range y.Num().Int64() {
		product.Mul(product, x)
	}
	return number(product)
}
