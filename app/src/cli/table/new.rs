//! `flashpack table new`: a table from a template.

use serde::Serialize;

use super::super::args::TableNew;
use super::super::failure::Failure;
use super::super::report::Report;
use super::super::resolve::{check_output, write_output};
use super::convert::{Output, output_kind};
use crate::formats::partition_bin;
use crate::formats::table_template::{TEMPLATES, find};
use crate::model::partition_table::TableSettings;

#[derive(Serialize)]
struct Answer<'a> {
    output: String,
    template: &'a str,
}

pub fn run(args: &TableNew, report: &mut Report) -> Result<(), Failure> {
    let kind = output_kind(&args.output)?;
    check_output(&args.output)?;
    let template = find(&args.template).ok_or_else(|| {
        let names: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
        Failure::usage(
            format!("There is no template “{}”", args.template),
            args.template.clone(),
            format!("The templates are {}", names.join(", ")),
        )
    })?;
    let refused = |message: String| {
        Failure::new(
            message,
            args.template.clone(),
            "Choose another --flash-size",
        )
    };
    let bytes = match kind {
        Output::Csv => template.csv(args.flash_size).map_err(refused)?.into_bytes(),
        Output::Binary => {
            let table = template
                .table(args.flash_size, TableSettings::default())
                .map_err(refused)?;
            partition_bin::write(&table).map_err(|error| refused(error.to_string()))?
        }
    };
    write_output(&args.output, &bytes)?;
    let output = args.output.display().to_string();
    let text = format!("{output}: {}. {}\n", template.title, template.description);
    report.result(
        &Answer {
            output,
            template: template.name,
        },
        &text,
    );
    Ok(())
}
