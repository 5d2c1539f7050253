//! A row of `resources`.

use std::sync::Arc;

use rusqlite::{Connection, Row};
use scim_connector::{ResourceId, ResourceKind};
use serde_json::json;

use super::{catalog::Partition, statement::Statements as _};
use crate::{
    scim::Object,
    store::{Error, Stored},
    time::Timestamp,
};

/// The columns that [`Resource::read`] wants, in its order.
macro_rules! columns {
    () => {
        "no, id, version, created, modified, body, members"
    };
}
pub(super) use columns;

/// A resource with its number.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) no: i64,
    pub(super) id: ResourceId,
    pub(super) version: i64,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) body: Arc<str>,
    /// How many members a group has.
    pub(super) members: i64,
}

impl Resource {
    /// The resource of that id, if it is in the partition.
    pub(super) fn by_id(sql: &Connection, partition: Partition, id: ResourceId) -> rusqlite::Result<Option<Self>> {
        let found =
            sql.first(concat!("SELECT ", columns!(), " FROM resources WHERE id = ?"), [id.as_bytes()], Self::read)?;
        Ok(found.filter(|resource| Partition::of(resource.no) == partition))
    }

    /// The resource of that number.
    pub(super) fn by_no(sql: &Connection, no: i64) -> rusqlite::Result<Option<Self>> {
        sql.first(concat!("SELECT ", columns!(), " FROM resources WHERE no = ?"), [no], Self::read)
    }

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            no: row.get(0)?,
            id: ResourceId::from_bytes(row.get(1)?),
            version: row.get(2)?,
            created: Timestamp(row.get(3)?),
            modified: Timestamp(row.get(4)?),
            body: row.get(5)?,
            members: row.get(6)?,
        })
    }

    /// The canonical attributes.
    pub(super) fn attributes(&self) -> Result<Object, Error> {
        serde_json::from_str(&self.body)
            .map_err(|_| Error::Corrupt { place: format!("the attributes of resource {}", self.id) })
    }

    /// What filters and sorting see: the attributes with `id` and `meta`.
    pub(super) fn evaluated(&self, kind: &ResourceKind) -> Result<Object, Error> {
        let mut object = self.attributes()?;
        object.insert("id".to_owned(), self.id.to_string().into());
        object.insert(
            "meta".to_owned(),
            json!({
                "resourceType": kind.as_str(),
                "created": self.created.rfc3339(),
                "lastModified": self.modified.rfc3339(),
                "version": format!("W/\"{}\"", self.version),
            }),
        );
        Ok(object)
    }

    pub(super) fn stored(self, kind: &ResourceKind) -> Stored {
        Stored {
            id: self.id,
            kind: kind.clone(),
            version: self.version.cast_unsigned(),
            created: self.created,
            modified: self.modified,
            attributes: self.body,
            members: self.members.cast_unsigned(),
        }
    }
}

/// The number of the resource of that id.
pub(super) fn number(sql: &Connection, id: ResourceId) -> rusqlite::Result<Option<i64>> {
    sql.first("SELECT no FROM resources WHERE id = ?", [id.as_bytes()], |row| row.get(0))
}
