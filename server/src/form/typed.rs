//! A form or a query as a struct (feature `serde`).

use std::collections::HashMap;
use std::fmt;

use serde::de::value::SeqDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::field_storage::{Field, FieldStorage};
use crate::http::status::Status;
use crate::http_error::{HttpError, Result};

/// The form as a struct: an argument of a method, made of the same fields as
/// [`FieldStorage`], uploads included (as text).
///
/// A number is read from its digits, a `bool` from `true`, `on` or `1` and `false`, `off` or `0`, a
/// unit variant from its name; a blank value is the `None` of an `Option`. A name that comes several
/// times needs a `Vec`; `#[serde(default)]` makes that empty where there is none, and a checkbox that
/// is not ticked `false`. Fields that the struct does not know are ignored.
///
/// What does not fit is answered with 422, and the page names the field.
///
/// ```
/// use basehttp::{Form, http_handler};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Order {
///     article: String,
///     pieces: u32,
///     note: Option<String>,
///     #[serde(default)]
///     gift: bool,
/// }
///
/// struct Shop;
///
/// #[http_handler]
/// impl Shop {
///     fn do_POST(&self, Form(order): Form<Order>) -> String {
///         format!("{} times {}", order.pieces, order.article)
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form<T>(pub T);

/// The query as a struct, whatever the method; it is read as a [`Form`] is.
///
/// What does not fit is answered with 400, and the page names the field.
///
/// ```
/// use basehttp::{Query, http_handler};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Page {
///     #[serde(default)]
///     tag: Vec<String>,
///     page: Option<u32>,
/// }
///
/// struct Blog;
///
/// #[http_handler]
/// impl Blog {
///     // `/?tag=a&tag=b`, `/?page=2`, or nothing at all
///     fn do_GET(&self, query: Query<Page>) -> String {
///         format!("page {} of {:?}", query.0.page.unwrap_or(1), query.0.tag)
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: FromFields> Form<T> {
    pub(crate) fn of(fields: &FieldStorage) -> Result<Form<T>> {
        read(fields, Status::UNPROCESSABLE_CONTENT).map(Form)
    }
}

impl<T: FromFields> Query<T> {
    pub(crate) fn of(fields: &FieldStorage) -> Result<Query<T>> {
        read(fields, Status::BAD_REQUEST).map(Query)
    }
}

fn read<T: FromFields>(fields: &FieldStorage, status: Status) -> Result<T> {
    T::from_fields(fields).map_err(|misfit| HttpError::new(status).explain(misfit.0))
}

/// `DeserializeOwned`, in words: it exists so that rustc's message says what to write.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a form: put `#[derive(serde::Deserialize)]` above it",
    label = "cannot be read from a form"
)]
pub trait FromFields: Sized {
    /// Makes the value of the fields of a form.
    fn from_fields(fields: &FieldStorage) -> Result<Self, Misfit>;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> FromFields for T {
    fn from_fields(fields: &FieldStorage) -> Result<Self, Misfit> {
        T::deserialize(Fields::new(fields))
    }
}

/// Why fields do not fit a type.
#[doc(hidden)]
#[derive(Debug, PartialEq)]
pub struct Misfit(String);

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

impl serde::de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Misfit {
        Misfit(message.to_string())
    }
}

/// All fields of a form: a map from names to values.
struct Fields<'f> {
    /// The names in their order, from the last, and what each of them has.
    left: Vec<(&'f str, Vec<&'f Field>)>,
}

impl<'f> Fields<'f> {
    fn new(fields: &'f FieldStorage) -> Fields<'f> {
        let mut places = HashMap::new();
        let mut left: Vec<(&str, Vec<&Field>)> = Vec::new();
        for field in fields {
            let place = *places.entry(&*field.name).or_insert(left.len());
            if place == left.len() {
                left.push((&field.name, Vec::new()));
            }
            left[place].1.push(field);
        }
        left.reverse();
        Fields { left }
    }
}

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_map(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misfit> {
        let name = self.left.last().map(|(name, _)| *name);
        name.map(|name| seed.deserialize(name.into_deserializer())).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Misfit> {
        let (name, fields) = self.left.pop().unwrap_or_default();
        seed.deserialize(Values(fields))
            .map_err(|misfit| Misfit(format!("field `{name}`: {misfit}")))
    }
}

/// What there is of one name.
struct Values<'f>(Vec<&'f Field>);

impl<'f> Values<'f> {
    /// The value of a name that came once.
    fn single(&self) -> Result<&'f str, Misfit> {
        match self.0[..] {
            [field] => Ok(field.value()),
            _ => Err(Misfit(format!("there are {} values, and one is wanted", self.0.len()))),
        }
    }
}

impl<'f> IntoDeserializer<'_, Misfit> for Values<'f> {
    type Deserializer = Values<'f>;

    fn into_deserializer(self) -> Values<'f> {
        self
    }
}

/// Numbers as Rust writes them.
macro_rules! parsed {
    ($($method:ident $visit:ident $kind:literal)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            let text = self.single()?;
            match text.parse() {
                Ok(value) => visitor.$visit(value),
                Err(error) => Err(Misfit(format!(concat!("{:?} is ", $kind, ": {}"), text, error))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Values<'_> {
    type Error = Misfit;

    parsed! {
        deserialize_i8 visit_i8 "no whole number of this size"
        deserialize_i16 visit_i16 "no whole number of this size"
        deserialize_i32 visit_i32 "no whole number of this size"
        deserialize_i64 visit_i64 "no whole number of this size"
        deserialize_i128 visit_i128 "no whole number of this size"
        deserialize_u8 visit_u8 "no whole number of this size"
        deserialize_u16 visit_u16 "no whole number of this size"
        deserialize_u32 visit_u32 "no whole number of this size"
        deserialize_u64 visit_u64 "no whole number of this size"
        deserialize_u128 visit_u128 "no whole number of this size"
        deserialize_f32 visit_f32 "no number"
        deserialize_f64 visit_f64 "no number"
        deserialize_char visit_char "no single character"
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0[..] {
            [field] => visitor.visit_str(field.value()),
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_str(self.single()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_bytes(self.single()?.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.single()? {
            // A checkbox without a value of its own sends `on`.
            "true" | "on" | "1" => visitor.visit_bool(true),
            "false" | "off" | "0" => visitor.visit_bool(false),
            other => Err(Misfit(format!("{other:?} is neither true nor false"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0[..] {
            [field] if field.file.is_empty() => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let singles = self.0.into_iter().map(|field| Values(vec![field]));
        visitor.visit_seq(SeqDeserializer::new(singles))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_enum(self.single()?.into_deserializer())
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { map struct }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::form::collect::FormOptions;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Order {
        article: String,
        pieces: u32,
        price: Option<f64>,
        note: Option<String>,
        #[serde(default)]
        gift: bool,
        #[serde(default)]
        tag: Vec<u8>,
        colour: Option<Colour>,
        code: Option<Code>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
        Green,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Code(char);

    fn read<T: FromFields>(query: &str) -> Result<T, String> {
        let kind = "application/x-www-form-urlencoded";
        let fields = FieldStorage::read(query.as_bytes(), kind, &FormOptions::default()).unwrap();
        T::from_fields(&fields).map_err(|misfit| misfit.to_string())
    }

    #[test]
    fn fields_become_a_struct() {
        let query =
            "tag=1&article=a+b&pieces=3&price=&note=x&gift=on&tag=2&colour=green&code=%E2%82%AC&z=";
        let expected = Order {
            article: "a b".into(),
            pieces: 3,
            price: None,
            note: Some("x".into()),
            gift: true,
            tag: vec![1, 2],
            colour: Some(Colour::Green),
            code: Some(Code('\u{20ac}')),
        };
        assert_eq!(read::<Order>(query), Ok(expected));
        let least = read::<Order>("article=&pieces=0").unwrap();
        assert_eq!((least.article.as_str(), least.gift, least.tag.len()), ("", false, 0));
        let map: HashMap<String, String> = read("a=1&b=2").unwrap();
        assert_eq!(map["b"], "2");
    }

    #[test]
    fn misfits_name_the_field() {
        for (query, words) in [
            ("article=a", "missing field `pieces`"),
            ("pieces=1", "missing field `article`"),
            (
                "article=a&pieces=",
                "field `pieces`: \"\" is no whole number of this size: cannot parse integer from empty string",
            ),
            (
                "article=a&pieces=-1",
                "field `pieces`: \"-1\" is no whole number of this size: invalid digit found in string",
            ),
            (
                "article=a&pieces=1&pieces=2",
                "field `pieces`: there are 2 values, and one is wanted",
            ),
            (
                "article=a&pieces=1&price=x",
                "field `price`: \"x\" is no number: invalid float literal",
            ),
            ("article=a&pieces=1&gift=maybe", "field `gift`: \"maybe\" is neither true nor false"),
            (
                "article=a&pieces=1&tag=300",
                "field `tag`: \"300\" is no whole number of this size: number too large to fit in target type",
            ),
            (
                "article=a&pieces=1&colour=blue",
                "field `colour`: unknown variant `blue`, expected `red` or `green`",
            ),
            (
                "article=a&pieces=1&code=xy",
                "field `code`: \"xy\" is no single character: too many characters in string",
            ),
        ] {
            assert_eq!(read::<Order>(query), Err(words.to_owned()), "{query}");
        }
    }
}
